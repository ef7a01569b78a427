"""Operations on spectrograms and feature sequences: cutting, interpolation, conversion between dB and power."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tidzam.types import Float32

DB: Final = 10 / math.log(10)
"""Decibels per factor of e."""


def cut(sequence: Float32, start: int, frames: int, floor_db: float) -> Float32:
    """`frames` frames of `sequence`, shape (any, mels), from `start`, which may be negative; padded with silence."""
    window = np.full((frames, sequence.shape[1]), floor_db, dtype=np.float32)
    first, last = max(start, 0), min(start + frames, len(sequence))
    if first < last:
        window[first - start : last - start] = sequence[first:last]
    return window


def resized(window: Float32, frames: int) -> Float32:
    """`window`, shape (any, mels), stretched or compressed to `frames` frames by linear interpolation."""
    if len(window) == frames:
        return window
    return interpolated(window, np.linspace(0, len(window) - 1, frames, dtype=np.float32))


def interpolated(rows: Float32, positions: Float32) -> Float32:
    """Linear interpolation of `rows`, shape (n, any), at fractional row `positions`: shape (positions, any)."""
    low = np.minimum(positions.astype(np.int64), max(0, len(rows) - 2))
    share = (positions - low)[:, None]
    between: Float32 = (1 - share) * rows[low] + share * rows[np.minimum(low + 1, len(rows) - 1)]
    return between


def to_power(features: Float32) -> Float32:
    """Convert dB to power. Powers of overlapping signals add up."""
    power: Float32 = np.exp(features * np.float32(1 / DB))  # several times as fast as a power of ten
    return power


def to_db(power: Float32, floor_db: float) -> Float32:
    """Convert power to dB, at least `floor_db`."""
    floored: Float32 = np.maximum(power, np.float32(10 ** (floor_db / 10)))
    decibels: Float32 = np.float32(DB) * np.log(floored)
    return decibels
