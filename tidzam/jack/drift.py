"""How far the clock of a live source is from that of JACK, and how fast its audio has to be played. Pure.

Audio arrives in bursts: packets are late, HLS delivers whole segments. What is regular is the earliest time at which a
given amount has arrived, so that the lowest level of the buffer between two bursts is what counts, both for the drift
(its trend over up to an hour) and for the safety against underruns.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

MAX_PPM: Final = 1000.0
"""The largest correction, 0.1 %: nobody can hear it."""
BUCKET_S: Final = 5.0
"""Observations are reduced to one point per this time."""
BURST: Final = 2
"""The number of buckets that are ignored at first: many servers begin with a burst."""
SETTLING: Final = 6
"""The number of buckets after which the level is known that the source settles at, and whose minimum is the level."""
WINDOW: Final = 720
"""The number of buckets that the drift is estimated from: one hour."""
CENTRE_S: Final = 1000.0
"""The time constant by which the buffer returns to its level."""
SURE_PPM: Final = 50.0
"""The largest standard error of an estimate that is used and reported."""
STEP_S: Final = 0.25
"""Audio that was lost at the source for good is a step of at least this size, in addition to four standard deviations
of the arrival times."""


@dataclass(frozen=True)
class BufferLimits:
    """`delay_s` is what the buffer should hold at least, `capacity_s` what it can hold."""

    delay_s: float
    capacity_s: float

    def target_s(self, settled_s: float) -> float:
        """The level to keep, given the one that a source has settled at."""
        return min(max(settled_s, self.delay_s / 5), max(self.delay_s, 0.75 * self.capacity_s))

    def is_off(self, level_s: float, target_s: float) -> bool:
        """Whether the level is so far from its target that it has to be corrected."""
        slack_s = self.delay_s / 5
        return level_s > target_s + slack_s or level_s < target_s - min(slack_s, target_s / 3)


class DriftController:
    """Turns observations of a buffer into `correction_ppm`.

    The correction is zero until the level has moved noticeably, so that a source whose clock is that of JACK is never
    resampled. From then on it is the estimated drift and, slowly, what brings the level back.
    """

    def __init__(self, limits: BufferLimits) -> None:
        self._limits = limits
        self._offsets: deque[tuple[float, float]] = deque(maxlen=WINDOW)
        self._levels: deque[float] = deque(maxlen=SETTLING)
        self._bucket: tuple[float, float, float] | None = None
        """Its start, the lowest difference of received and elapsed seconds, and the lowest level."""
        self._burst = BURST
        """Buckets that are still to be ignored."""
        self._target_s: float | None = None
        self._corrects = False
        self.drift_ppm: float | None = None
        """The last estimate that was sure; None before."""
        self.correction_ppm = 0.0

    def observe(self, now_s: float, received_s: float, buffered_s: float) -> None:
        """Take in what is known right before more audio arrives.

        `now_s` is the time of JACK's clock, `received_s` how much audio has arrived since the start, at its nominal
        rate, and `buffered_s` how much of it waits to be played.
        """
        offset_s = received_s - now_s
        if self._bucket is None:
            self._bucket = (now_s, offset_s, buffered_s)
            return
        begin_s, lowest_s, level_s = self._bucket
        if now_s - begin_s < BUCKET_S:
            self._bucket = (begin_s, min(lowest_s, offset_s), min(level_s, buffered_s))
            return
        self._bucket = (now_s, offset_s, buffered_s)
        if self._burst:
            self._burst -= 1
            return
        self._levels.append(level_s)
        self._offsets.append((begin_s, lowest_s))
        if self._is_steady():
            self._correct(min(self._levels))
        else:
            self.restart()

    def restart(self) -> None:
        """Forget the arrival times: audio was lost, or the writer was held back. What is known of the clock remains."""
        self._offsets.clear()
        self._levels.clear()
        self._bucket = self._target_s = None
        self._burst = BURST

    def _correct(self, level_s: float) -> None:
        if len(self._levels) < SETTLING:
            return
        if self._target_s is None:
            self._target_s = self._limits.target_s(level_s)
        self._corrects = self._corrects or self._limits.is_off(level_s, self._target_s)
        if self._corrects:
            wanted_ppm = (self.drift_ppm or 0.0) + (level_s - self._target_s) / CENTRE_S * 1e6
            self.correction_ppm = min(max(wanted_ppm, -MAX_PPM), MAX_PPM)

    def _is_steady(self) -> bool:
        """Estimate the drift, if it is certain enough; whether audio arrives as before, and none was lost for good."""
        count = len(self._offsets)
        if count < 2 * SETTLING:
            return True
        times_s, offsets_s = np.asarray(self._offsets).T
        times_s = times_s - times_s.mean()
        spread = float(np.sum(times_s**2))
        slope = float(np.sum(times_s * offsets_s)) / spread
        residuals_s = offsets_s - offsets_s.mean() - slope * times_s
        deviation_s = float(np.sqrt(np.sum(residuals_s**2) / (count - 2)))
        if abs(float(np.median(residuals_s[-SETTLING:]))) > STEP_S + 4 * deviation_s:
            return False
        if deviation_s / spread**0.5 * 1e6 <= SURE_PPM:
            self.drift_ppm = slope * 1e6
        return True
