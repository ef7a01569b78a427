"""A ring that a test fills as JACK does, with the clocks of both as the test sets them: no jackd and no waiting."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tidzam.audio.timeline import ClockPair
from tidzam.jack.ring import CLOCK, Ring, RingWriter
from tidzam.types import Float32

CODE_STEPS = 1 << 15
_NOISE: Float32 = np.random.default_rng(1).uniform(-0.5, 0.5, 250_007).astype(np.float32)

Signal = Callable[[Any, int], Float32]
"""From frames, shape (frames,), and a channel to its samples there."""


def code(frames: Float32 | np.ndarray, channel: int, steps: int = CODE_STEPS) -> Float32:
    """Samples that tell their frame and channel: a ramp of `steps` steps, shifted per channel, exact in 16 bits."""
    return np.asarray(((frames + 1000 * channel) % steps) / steps, np.float32)


def noise(frames: Float32 | np.ndarray, channel: int) -> Float32:
    """Noise that repeats after some seconds, for codecs that change samples."""
    return np.asarray(_NOISE[(frames + 1000 * channel) % len(_NOISE)], np.float32)


class RingSource:
    """Plays `signal` into a ring. `frame` is the next one; `utc_s` the time at which it begins."""

    def __init__(
        self,
        fd: int,
        signal: Signal,
        *,
        channels: int,
        rate_hz: int,
        utc_s: float,
        period: int,
        ring_s: float,
        first_frame: int,
    ) -> None:
        self.ring = Ring.create(fd, slots=channels, capacity_frames=int(ring_s * rate_hz), rate_hz=rate_hz)
        self._writer = RingWriter(self.ring, CLOCK)
        self.channels, self.rate_hz, self.period, self._signal = channels, rate_hz, period, signal
        self.frame = first_frame
        self._first_frame, self._first_s = self.frame, utc_s

    @property
    def utc_s(self) -> float:
        return self._first_s + (self.frame - self._first_frame) / self.rate_hz

    @property
    def clock(self) -> ClockPair:
        return ClockPair(self.frame, self.utc_s)

    def set_clock(self, by_s: float) -> None:
        """The system clock is set."""
        self._first_s += by_s

    def play(self, periods: int = 1, *, level: float = 1.0) -> None:
        for _ in range(periods):
            start = self._writer.begin(self.frame % (1 << 32), self.period)
            frames = np.arange(start, start + self.period)
            for channel in range(self.channels):
                self._writer.copy(channel, start, level * self._signal(frames, channel))
            self._writer.commit(start, self.period, torn=False)
            self.frame += self.period

    def skip(self, frames: int) -> None:
        """JACK skips frames: they are never played."""
        self.frame += frames


@contextmanager
def ring_source(
    signal: Signal = code,
    *,
    channels: int = 2,
    rate_hz: int = 8000,
    utc_s: float = 1_700_000_000.25,
    period: int = 160,
    ring_s: float = 8.0,
    first_frame: int = (1 << 31) + 12345,
) -> Iterator[RingSource]:
    fd = os.memfd_create("ring")
    try:
        yield RingSource(
            fd,
            signal,
            channels=channels,
            rate_hz=rate_hz,
            utc_s=utc_s,
            period=period,
            ring_s=ring_s,
            first_frame=first_frame,
        )
    finally:
        os.close(fd)
