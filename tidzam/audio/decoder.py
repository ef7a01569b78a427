"""The interface of decoders, and the bounds of what is decoded."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

from tidzam.errors import AudioError
from tidzam.text import shown
from tidzam.types import Float32

MIN_RATE_HZ: Final = 100
MAX_RATE_HZ: Final = 1_000_000
"""Recorders of ultrasound reach 768 kHz."""
MAX_CHANNELS: Final = 256


class Decoder(Protocol):
    """Hands out the next frames of a part as float32 (frames, channels), empty at the end.

    `frames` is their number if the header states it exactly, `stated_s` their duration if it is known.
    After the last frame, the faults are known: `cut_short` if the part is truncated, and the `lost_frames`, which could
    not be decoded.
    """

    rate_hz: int
    channels: int
    frames: int | None
    stated_s: float | None
    cut_short: bool
    lost_frames: int
    complaint: str
    resynchronizes: bool
    """Whether the decoder itself continues after damage; it then returns fewer frames than the header states."""

    def read(self, frames: int) -> Float32: ...

    def consumed(self) -> int:
        """A position in the file, in bytes, that is not beyond what was decoded so far."""
        ...


def check_bounds(path: Path, rate_hz: int, channels: int) -> None:
    """Raises AudioError if a file states a rate or a number of channels that no recording has."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise AudioError(
            f"{shown(path)} states a sample rate of {rate_hz} Hz; expected {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz.",
            hint="Its header is damaged, or it is not a recording.",
            code="audio_format",
        )
    if not 0 < channels <= MAX_CHANNELS:
        raise AudioError(
            f"{shown(path)} states {channels} channels; expected 1 to {MAX_CHANNELS}.",
            hint="Its header is damaged, or it is not a recording.",
            code="audio_format",
        )


def empty(path: Path) -> AudioError:
    """The error for a file without a frame."""
    return AudioError(
        f"{shown(path)} holds no audio.",
        hint="It is empty or cut short: record or copy it again.",
        code="audio_empty",
    )
