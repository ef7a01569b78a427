"""Resampling, stateless, of all channels in one call."""

from __future__ import annotations

import numpy as np
import soxr

from tidzam.types import Float32


def resample(samples: Float32, from_hz: int, to_hz: int) -> Float32:
    """`samples`, shape (channels, frames), brought from one rate to another by soxr at its HQ setting.

    Returns shape (channels, round(frames * to_hz / from_hz)). The input is taken to be silent before and after.

    >>> resample(np.zeros((2, 48000), np.float32), 48000, 16000).shape
    (2, 16000)
    """
    if from_hz == to_hz:
        return samples
    frames = round(samples.shape[1] * to_hz / from_hz)
    if not len(samples):
        return np.empty((0, frames), dtype=np.float32)
    # Of a transposed array, soxr takes each channel as it lies in memory, and designs its filter once for all of them.
    found = soxr.resample(samples.T, from_hz, to_hz, quality="HQ").T
    return _fit(found, frames)


def _fit(found: Float32, frames: int) -> Float32:
    """`found` cut, or filled with zeros, by the frame at most that soxr's own rounding differs by."""
    missing = frames - found.shape[1]
    return found[:, :frames] if missing <= 0 else np.pad(found, ((0, 0), (0, missing)))
