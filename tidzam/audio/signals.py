"""Test signals without an end: a tone, noise and silence, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tidzam.types import Float32


class Signal(Protocol):
    """Something that can be played for ever."""

    def blocks(self, channels: int, rate_hz: int, frames: int) -> Iterator[Float32]:
        """Consecutive blocks of shape (frames, channels) that follow one another without a break."""
        ...


@dataclass(frozen=True)
class Tone:
    """A sine, the same on all channels. `level_dbfs` is its peak."""

    frequency_hz: float
    level_dbfs: float

    def blocks(self, channels: int, rate_hz: int, frames: int) -> Iterator[Float32]:
        first, amplitude = 0, 10 ** (self.level_dbfs / 20)
        while True:
            # Whole periods are left out before the sine is taken: its argument keeps its precision for years.
            periods = (first + np.arange(frames)) * (self.frequency_hz / rate_hz) % 1.0
            sine = (amplitude * np.sin(2 * np.pi * periods)).astype(np.float32)
            yield np.repeat(sine[:, np.newaxis], channels, axis=1)
            first += frames


@dataclass(frozen=True)
class Noise:
    """White Gaussian noise, independent on each channel, clipped at full scale. `level_dbfs` is its RMS value.

    The same `seed` gives the same noise.
    """

    level_dbfs: float
    seed: int

    def blocks(self, channels: int, rate_hz: int, frames: int) -> Iterator[Float32]:
        generator, deviation = np.random.default_rng(self.seed), np.float32(10 ** (self.level_dbfs / 20))
        while True:
            yield np.clip(deviation * generator.standard_normal((frames, channels), np.float32), -1.0, 1.0)


@dataclass(frozen=True)
class Silence:
    """Digital silence: samples of exactly zero."""

    def blocks(self, channels: int, rate_hz: int, frames: int) -> Iterator[Float32]:
        silent = np.zeros((frames, channels), np.float32)
        while True:
            yield silent
