"""The JACK server's command line, and how clients find it."""

from __future__ import annotations

from collections.abc import Mapping

from tidzam.config.settings import JackSettings

SERVER_ENV: Mapping[str, str] = {"JACK_NO_AUDIO_RESERVATION": "1"}
"""jackd itself: no D-Bus to ask for the sound card, as there is none in a container."""


def jackd_argv(settings: JackSettings) -> list[str]:
    """jackd on `settings.driver`, asynchronous unless told otherwise."""
    driver, *options = settings.driver
    return [
        "jackd",
        f"--name={settings.server}",
        "--realtime" if settings.realtime else "--no-realtime",
        f"--port-max={settings.port_max}",
        f"-t{settings.timeout_ms}",
        *(["-S"] if settings.synchronous else []),
        f"-d{driver}",
        f"-r{settings.rate_hz}",
        f"-p{settings.period}",
        *options,
    ]
