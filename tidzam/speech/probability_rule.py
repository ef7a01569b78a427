"""From the speech probabilities of short steps to intervals of speech, step by step. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from tidzam.speech_times import Interval, merged
from tidzam.types import Float32

MEAN_STEPS: Final = 16
"""Steps over which probabilities are averaged: with steps of 32 ms, about half a second. A bark has single steps of a
high probability, speech has many."""


class MeanRule:
    """Speech is every run of MEAN_STEPS steps whose mean probability reaches `threshold`.

    A step is judged once all runs that hold it are complete. Before the first step and after the last one lies silence.

    >>> rule = MeanRule(0.5)
    >>> rule.follow(np.ones(20, np.float32))
    (5, ((0, 5),))
    >>> rule.end()
    (20, ((5, 20),))
    """

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._steps = self._judged = 0
        self._last = np.zeros(MEAN_STEPS - 1, np.float32)
        self._speech: list[Interval] = []

    def follow(self, probabilities: Float32) -> tuple[int, tuple[Interval, ...]]:
        """Take the next steps, shape (n,). Returns up to which step all is judged, and the speech in what was not
        before."""
        self._take(probabilities)
        return self._judge(max(self._judged, self._steps - (MEAN_STEPS - 1)))

    def end(self) -> tuple[int, tuple[Interval, ...]]:
        """Judge the rest: no more steps will come."""
        steps = self._steps
        self._take(np.zeros(MEAN_STEPS - 1, np.float32))
        return self._judge(steps)

    def _take(self, probabilities: Float32) -> None:
        sums = np.concatenate([[0.0], np.cumsum(np.concatenate([self._last, probabilities], dtype=np.float64))])
        means = (sums[MEAN_STEPS:] - sums[:-MEAN_STEPS]) / MEAN_STEPS
        for step in np.flatnonzero(means >= self._threshold):
            last = self._steps + int(step) + 1
            self._speech.append((max(0, last - MEAN_STEPS), last))
        self._last = np.concatenate([self._last, probabilities])[-(MEAN_STEPS - 1) :]
        self._steps += len(probabilities)

    def _judge(self, until: int) -> tuple[int, tuple[Interval, ...]]:
        since, self._judged = self._judged, until
        speech = _cut(self._speech, since, until)
        self._speech = [interval for interval in self._speech if interval[1] > until]
        return until, speech


def _cut(intervals: Sequence[Interval], start: int, end: int) -> tuple[Interval, ...]:
    return merged((max(first, start), min(last, end)) for first, last in intervals if first < end and last > start)
