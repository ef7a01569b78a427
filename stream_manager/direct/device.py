"""The command lines of the programs that capture a sound card. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BUFFER_US: Final = 2_000_000
"""For how long the card may hold audio that was not taken: as long as it can, up to this."""


@dataclass(frozen=True)
class CaptureProgram:
    """A command line, and the samples that it writes (a key of `pipe_input.SCALES`)."""

    argv: tuple[str, ...]
    samples: str


def capture_program(device: str, *, rate_hz: int, channels: int, bit_depth: int, has_arecord: bool) -> CaptureProgram:
    """arecord (6 MB of memory), or ffmpeg (35 MB) where it is not installed, that captures `device`.

    ALSA converts the rate, the channels and the samples of devices such as `plughw:1` and `default`; `hw:1` is taken
    as it is.
    """
    is_16 = bit_depth == 16
    samples = "<i2" if is_16 else "<i4"
    if has_arecord:
        form = "S16_LE" if is_16 else "S32_LE"
        argv = ("arecord", "-q", "-D", device, "-t", "raw", "-f", form, "-c", str(channels), "-r", str(rate_hz))
        return CaptureProgram((*argv, f"--buffer-time={_BUFFER_US}"), samples)
    form = "s16le" if is_16 else "s32le"
    return CaptureProgram(
        (
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "warning", "-nostats"),
            *("-f", "alsa", "-channels", str(channels), "-sample_rate", str(rate_hz), "-i", device),
            *("-c:a", f"pcm_{form}", "-f", form, "-flush_packets", "1", "pipe:1"),
        ),
        samples,
    )
