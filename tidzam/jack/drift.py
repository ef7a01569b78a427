"""How far the clock of a live source is from that of JACK, and how fast its audio has to be played. Pure.

Audio arrives in bursts: packets are late, HLS delivers whole segments, and a busy machine reads them late. What is
regular is the earliest time at which a given amount has arrived, so that the least delayed arrivals are what counts,
both for the drift (their trend over up to an hour) and for the level of the buffer. What the others leave of it counts
once, for the safety against underruns, when the level is chosen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

import numpy as np

from tidzam.jack.clock_skew import Point, SkewLine, line_above

MAX_PPM: Final = 1000.0
"""The largest correction, 0.1 %: nobody can hear it."""
BUCKET_S: Final = 5.0
"""Observations are reduced to one point per this time."""
BURST: Final = 2
"""The number of buckets that are ignored at first: many servers begin with a burst."""
SETTLING: Final = 6
"""The number of buckets after which the level is known that the source settles at, and that it is taken from."""
WINDOW: Final = 720
"""The number of buckets that the drift is estimated from: one hour."""
CENTRE_S: Final = 1000.0
"""The time constant by which the buffer returns to its level."""
SURE_PPM: Final = 50.0
"""The largest standard error of an estimate that is used and reported."""
STEP_S: Final = 0.25
"""Audio that was lost at the source for good is a step of at least this size, in addition to four times the deviation
of the arrival times."""
DISAGREEMENT: Final = 4.0
"""Between the two halves of the arrivals, in standard errors: beyond it, there was a step."""


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


@dataclass
class _Bucket:
    """What was observed since `begin_s`: the least delayed arrival, and the range of the level."""

    begin_s: float
    earliest: Point
    lowest_s: float
    highest_s: float


class DriftController:
    """Turns observations of a buffer into `correction_ppm`.

    The correction is zero until the level has moved noticeably, so that a source whose clock is that of JACK is never
    resampled. From then on it is the estimated drift and, slowly, what brings the level back.
    """

    def __init__(self, limits: BufferLimits) -> None:
        self._limits = limits
        self._arrivals: deque[Point] = deque(maxlen=WINDOW)
        """The least delayed one of each bucket: its time, and by how much the seconds received exceed it."""
        self._levels: deque[tuple[float, float]] = deque(maxlen=SETTLING)
        """The lowest and the highest one of each bucket."""
        self._bucket: _Bucket | None = None
        self._burst = BURST
        """Buckets that are still to be ignored."""
        self._target_s: float | None = None
        self._swing_s = 0.0
        """By how much the highest level exceeded the lowest one when the source had settled."""
        self._corrects = False
        self.drift_ppm: float | None = None
        """The last estimate that was sure; None before."""
        self.correction_ppm = 0.0

    def observe(self, now_s: float, received_s: float, *, lowest_s: float, highest_s: float) -> None:
        """Take in an arrival of audio.

        `now_s` is its time by JACK's clock, `received_s` how much audio has arrived since the start, at its nominal
        rate, and `lowest_s` and `highest_s` how much waits to be played right before and right after it.
        """
        earliest, bucket = (now_s, received_s - now_s), self._bucket
        if bucket is not None and now_s - bucket.begin_s < BUCKET_S:
            bucket.earliest = max(bucket.earliest, earliest, key=itemgetter(1))
            bucket.lowest_s, bucket.highest_s = min(bucket.lowest_s, lowest_s), max(bucket.highest_s, highest_s)
            return
        self._bucket = _Bucket(now_s, earliest, lowest_s, highest_s)
        if bucket is not None:
            self._take(bucket)

    def _take(self, bucket: _Bucket) -> None:
        if self._burst:
            self._burst -= 1
            return
        self._levels.append((bucket.lowest_s, bucket.highest_s))
        self._arrivals.append(bucket.earliest)
        if self._is_steady():
            self._correct()
        else:
            self.restart()

    def restart(self) -> None:
        """Forget the arrival times: audio was lost, or the writer was held back. What is known of the clock remains."""
        self._arrivals.clear()
        self._levels.clear()
        self._bucket = self._target_s = None
        self._burst = BURST

    def _correct(self) -> None:
        if len(self._levels) < SETTLING:
            return
        lowest_s, highest_s = min(low_s for low_s, _ in self._levels), max(high_s for _, high_s in self._levels)
        if self._target_s is None:
            self._target_s, self._swing_s = self._limits.target_s(lowest_s), highest_s - lowest_s
        level_s = highest_s - self._swing_s
        self._corrects = self._corrects or self._limits.is_off(level_s, self._target_s)
        if self._corrects:
            wanted_ppm = (self.drift_ppm or 0.0) + (level_s - self._target_s) / CENTRE_S * 1e6
            self.correction_ppm = min(max(wanted_ppm, -MAX_PPM), MAX_PPM)

    def _is_steady(self) -> bool:
        """Estimate the drift, if it is certain enough; whether audio arrives as before, and none was lost for good."""
        count = len(self._arrivals)
        if count < 2 * SETTLING:
            return True
        arrivals = list(self._arrivals)
        line = line_above(arrivals)
        if float(np.median(line.residuals_s[-SETTLING:])) > STEP_S + 4 * line.deviation_s:
            return False
        if _disagree(line_above(arrivals[: count // 2]), line_above(arrivals[count // 2 :])):
            self._arrivals.clear()  # the level still counts: if JACK lost cycles, it has risen
        elif line.error * 1e6 <= SURE_PPM:
            self.drift_ppm = line.slope * 1e6
        return True


def _disagree(first: SkewLine, second: SkewLine) -> bool:
    """Whether the slopes differ by more than chance and SURE_PPM explain."""
    tolerated = DISAGREEMENT * (first.error + second.error) + SURE_PPM * 1e-6
    return abs(first.slope - second.slope) > tolerated
