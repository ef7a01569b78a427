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
    rows = [_fit(soxr.resample(channel, from_hz, to_hz, quality="HQ"), frames) for channel in samples]
    return np.stack(rows) if rows else np.empty((0, frames), dtype=np.float32)


def _fit(channel: Float32, frames: int) -> Float32:
    """`channel` cut, or filled with zeros, by the frame at most that soxr's own rounding differs by."""
    return channel[:frames] if len(channel) >= frames else np.pad(channel, (0, frames - len(channel)))
