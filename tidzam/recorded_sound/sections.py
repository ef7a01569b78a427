"""The loudest samples of a recording's sections: a byte per section and channel, small enough to be kept for years."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

SECTION_S: Final = 15
"""The length of a section in seconds, from the beginning of its recording; the last one may be shorter. What is stored
counts on it."""
_STEPS_PER_DB: Final = 2
_FULL_SCALE: Final = 255
"""The byte of full scale. Each step below is half a decibel, down to 1 at -127 dBFS; 0 is what is quieter."""


def section_count(duration_s: float) -> int:
    """How many sections a recording has.

    >>> section_count(600), section_count(600.1), section_count(3)
    (40, 41, 1)
    """
    return max(1, -int(-duration_s // SECTION_S))


def encode_peaks(peaks: Float32) -> bytes:
    """Largest absolute samples, shape (sections, channels), 1.0 for full scale, to half a decibel."""
    with np.errstate(divide="ignore"):
        steps = _FULL_SCALE + np.rint(_STEPS_PER_DB * 20 * np.log10(np.nan_to_num(peaks, nan=0.0).astype(np.float64)))
    stored: bytes = np.clip(steps, 0, _FULL_SCALE).astype(np.uint8).tobytes()
    return stored


def decode_peaks(stored: bytes, channels: int) -> Float32:
    """The inverse of `encode_peaks`. Raises ValueError if it is not that of so many channels."""
    if channels < 1 or len(stored) % channels:
        raise ValueError(f"{len(stored)} bytes are not those of sections of {channels} channels")
    steps = np.frombuffer(stored, np.uint8).reshape(-1, channels)
    return np.where(steps > 0, _AMPLITUDES[steps], 0.0).astype(np.float32)


_AMPLITUDES: Final[NDArray[np.float64]] = 10 ** ((np.arange(_FULL_SCALE + 1) - _FULL_SCALE) / (_STEPS_PER_DB * 20))


class SectionMeter:
    """Measures the loudest samples of a recording while it is made or read. `peak` is that of all channels so far."""

    def __init__(self, rate_hz: int) -> None:
        self._frames_per_section = SECTION_S * rate_hz
        self._whole: list[Float32] = []
        self._peak: Float32 | None = None
        """Of the section that is not whole yet, shape (channels,)."""
        self._frames = 0
        self.peak = 0.0

    def add(self, samples: Float32) -> None:
        """The next samples, shape (frames, channels)."""
        at = 0
        while at < len(samples):
            part = samples[at : at + self._frames_per_section - self._frames]
            peak = np.maximum(part.max(axis=0), -part.min(axis=0)).astype(np.float32)
            self.peak = max(self.peak, float(peak.max(initial=0.0)))
            self._peak = peak if self._peak is None else np.maximum(self._peak, peak)
            self._frames += len(part)
            at += len(part)
            if self._frames == self._frames_per_section:
                self._whole.append(self._peak)
                self._peak, self._frames = None, 0

    @property
    def stored(self) -> bytes:
        """What `encode_peaks` makes of all sections so far, the last one as far as it goes; empty without samples."""
        rows = self._whole if self._peak is None else [*self._whole, self._peak]
        return encode_peaks(np.stack(rows)) if rows else b""
