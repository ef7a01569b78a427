"""Command line and environment of the JACK server."""

from __future__ import annotations

from collections.abc import Mapping

from tidzam.config.settings import JackSettings

SERVER_ENV: Mapping[str, str] = {"JACK_NO_AUDIO_RESERVATION": "1"}
"""jackd does not reserve the sound card over D-Bus, which containers do not have."""


def jackd_argv(settings: JackSettings) -> list[str]:
    """The command line of jackd; it is asynchronous by default."""
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
