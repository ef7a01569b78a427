"""What can be done to sequences and windows of features: cut, stretched, brought from dB to powers and back."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from tidzam.types import Float32

DB: Final = 10 / math.log(10)
"""Decibels in a factor of e."""


def cut(sequence: Float32, start: int, frames: int, floor_db: float) -> Float32:
    """`frames` of `sequence`, shape (any, mels), from frame `start`, which may lie before it; silence around it."""
    window = np.full((frames, sequence.shape[1]), floor_db, dtype=np.float32)
    first, last = max(start, 0), min(start + frames, len(sequence))
    if first < last:
        window[first - start : last - start] = sequence[first:last]
    return window


def stretched(window: Float32, frames: int) -> Float32:
    """`window`, shape (any, mels), made as long as `frames` by drawing lines between its own."""
    if len(window) == frames:
        return window
    return interpolated(window, np.linspace(0, len(window) - 1, frames, dtype=np.float32))


def interpolated(rows: Float32, places: Float32) -> Float32:
    """What lies at `places` between `rows`, shape (n, any): shape (places, any)."""
    low = np.minimum(places.astype(np.int64), max(0, len(rows) - 2))
    share = (places - low)[:, None]
    between: Float32 = (1 - share) * rows[low] + share * rows[np.minimum(low + 1, len(rows) - 1)]
    return between


def to_power(features: Float32) -> Float32:
    """From dB. Powers of sounds that lie together add up."""
    power: Float32 = np.exp(features * np.float32(1 / DB))  # several times as fast as a power of ten
    return power


def to_db(power: Float32, floor_db: float) -> Float32:
    """To dB, not below `floor_db`."""
    floored: Float32 = np.maximum(power, np.float32(10 ** (floor_db / 10)))
    decibels: Float32 = np.float32(DB) * np.log(floored)
    return decibels
