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
        *_device_options(driver, settings),
        *options,
    ]


def _device_options(driver: str, settings: JackSettings) -> list[str]:
    """The options of the driver that select a device and its channels. A device is only captured from."""
    options = []
    channels = settings.capture_channels
    if settings.device is not None:
        # -d names the device whose settings jackd examines, -C alone would leave that at hw:0.
        options += [f"-d{settings.device}", f"-C{settings.device}"]
    if settings.buffer_periods is not None:
        options.append(f"-n{settings.buffer_periods}")
    if channels is not None:
        options.append(f"-i{channels}" if driver == "alsa" else f"-C{channels}")
    return options
