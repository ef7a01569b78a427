"""Classifiers whose windows are longer than the cascade's: on which windows they run, and what is carried in between.

The windows of a cascade are the shortest of its classifiers'. A longer classifier looks at the sound up to the end of
a window. It runs once in each of its intervals of several windows; its outputs are carried to the end of the interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.sanitize import sanitize
from tidzam.results import WindowBatch
from tidzam.types import Float32

Rows = NDArray[np.intp]


@dataclass(frozen=True)
class RunInterval:
    """The intervals of a classifier whose windows have `frames` frames: `windows` windows of the cascade each.

    The windows of a cascade are numbered by their start in hops. One interval begins with the window `first`: the first
    one at whose end a stream that began at frame 0 is as long as a window of the classifier.
    """

    frames: int
    windows: int
    first: int

    @classmethod
    def of(cls, window_s: float, shortest_s: float, *, rate_hz: int, window: int, hop: int) -> Self:
        """The intervals for windows of `window_s` in a cascade with windows of `shortest_s`: `window` frames at
        `rate_hz`, one every `hop` frames.

        An interval is as long as the classifier's own hop, with the overlap of the cascade, rounded down to whole hops
        of the cascade, so that no sound is skipped.
        """
        frames = round(window_s * rate_hz)
        return cls(frames, max(1, math.floor(window_s / shortest_s + 1e-6)), -(-(frames - window) // hop))

    def number(self, window: int, *, is_last: bool = False) -> int:
        """The interval that a window belongs to, by its number.

        The last window of a stream begins an interval of its own if half an interval of sound would be left over.
        """
        interval, since = divmod(window - self.first, self.windows)
        return interval + 1 if is_last and 2 * since >= self.windows else interval


@dataclass(frozen=True)
class Run:
    """A classifier has run in an interval of a channel, on the window that starts at `start_frame`.

    Its outputs are those of a `row` in `results`, which are complete when its step is.
    """

    interval: int
    start_frame: int
    row: int
    results: Future[Mapping[int, Float32]]

    def outputs(self) -> Float32 | None:
        """The outputs, shape (classes,), None if they were no probabilities. Waits for them."""
        return self.results.result().get(self.row)


class Handover:
    """What the analysis of one step of windows leaves to that of the next one, which may run at the same time.

    It holds, for each longer classifier, the last run on each channel. They are known before the network has run, so
    that the next step waits for decisions, and for outputs only where it carries them.
    """

    def __init__(self, classifiers: Iterable[str]) -> None:
        names = tuple(classifiers)
        self._runs: dict[str, Future[Mapping[str, Run]]] = {name: Future() for name in names}
        self._results: dict[str, Future[Mapping[int, Float32]]] = {name: Future() for name in names}

    def runs(self, classifier: str) -> Mapping[str, Run]:
        """The last run by channel. Waits until it is known."""
        return self._runs[classifier].result()

    def set_runs(self, classifier: str, runs: Mapping[str, Run]) -> None:
        self._runs[classifier].set_result(runs)

    def results(self, classifier: str) -> Future[Mapping[int, Float32]]:
        """The outputs of this step by row."""
        return self._results[classifier]

    def fail(self, error: BaseException) -> None:
        """What is not known yet will never be: those who wait for it fail with `error`."""
        unknown: list[Future[Any]] = [*self._runs.values(), *self._results.values()]
        for future in unknown:
            if not future.done():
                future.set_exception(error)


@dataclass(frozen=True)
class RunPlan:
    """The rows on which a longer classifier runs, and the run whose outputs each row uses. `waiting` are the rows whose
    channels are younger than a window of the classifier."""

    rows: Rows
    used: Mapping[int, Run]
    waiting: Rows


@dataclass(frozen=True)
class LongerWindows:
    """The sound before the windows of a step, and what the step before it left. Rows are those of the windows.

    On each channel, rows are in the order of their time.
    """

    channels: Sequence[str]
    start_frames: Sequence[int]
    ends: Sequence[int]
    heard: Sequence[int]
    contexts: Sequence[Float32]
    is_last: Sequence[bool]
    window: int
    hop: int
    before: Handover | None
    after: Handover

    @classmethod
    def of(cls, batches: Sequence[WindowBatch], before: Handover | None, after: Handover) -> Self:
        """The rows of some batches with contexts, one after the other. They have one rate and one hop."""
        rows = [(batch, row) for batch in batches for row in range(len(batch.channels))]
        window = batches[0].samples.shape[1]
        return cls(
            channels=[batch.channels[row] for batch, row in rows],
            start_frames=[batch.start_frame for batch, _ in rows],
            ends=[batch.start_frame + window for batch, _ in rows],
            heard=[batch.heard_frames[row] if batch.heard_frames else window for batch, row in rows],
            contexts=[(batch.samples if batch.context is None else batch.context)[row] for batch, row in rows],
            is_last=[batch.is_last for batch, _ in rows],
            window=window,
            hop=batches[0].hop_frames or window,
            before=before,
            after=after,
        )

    def plan(self, classifier: str, interval: RunInterval, likely: Rows) -> RunPlan:
        """Where a classifier runs: in each interval of a channel on the first of the rows that are `likely`.

        Sets the runs that the next step waits for.
        """
        last = dict({} if self.before is None else self.before.runs(classifier))
        results, rows, used = self.after.results(classifier), list[int](), dict[int, Run]()
        waiting = [row for row in range(len(self.channels)) if not self._has_window(row, interval)]
        for row in likely.tolist():
            channel, number = self.channels[row], self._interval(row, interval)
            run = last.get(channel)
            if run is None or not self._is_carried(run, row, number):
                if not self._has_window(row, interval):
                    continue
                run = last[channel] = Run(number, self.start_frames[row], row, results)
                rows.append(row)
            used[row] = run
        self.after.set_runs(classifier, self._still_carried(last, interval))
        return RunPlan(np.array(rows, dtype=np.intp), used, np.array(waiting, dtype=np.intp))

    def _interval(self, row: int, interval: RunInterval) -> int:
        return interval.number(self.start_frames[row] // self.hop, is_last=self.is_last[row])

    def _has_window(self, row: int, interval: RunInterval) -> bool:
        """Whether enough of a channel was heard. A stream that ends before is padded, as a short file always is."""
        return self.heard[row] >= interval.frames or self.is_last[row]

    def _is_carried(self, run: Run, row: int, number: int) -> bool:
        """Whether a run is of this interval, and of the sound that is still heard: the channel may have begun again."""
        since = self.ends[row] - self.heard[row] - self.hop // 2  # lengths are rounded to frames
        return run.interval == number and since <= run.start_frame < self.start_frames[row]

    def _still_carried(self, last: Mapping[str, Run], interval: RunInterval) -> dict[str, Run]:
        """The runs that the next windows may use. One that starts later is another clock's."""
        if not self.channels:
            return dict(last)
        number, start = self._interval(len(self.channels) - 1, interval), self.start_frames[-1]
        return {channel: run for channel, run in last.items() if run.interval >= number and run.start_frame <= start}

    def windows(self, rows: Rows, frames: int) -> Float32:
        """Windows of `frames` frames that end with those of some rows, shape (len(rows), frames).

        Those of a stream that is shorter hold zeros at their end.
        """
        found: Float32 = np.zeros((len(rows), frames), np.float32)
        for place, row in enumerate(rows.tolist()):
            sound = self.contexts[row][-min(frames, self.heard[row]) :]
            found[place, : len(sound)] = sound
        return sanitize(found)[0]

    def age_frames(self, row: int, run: Run) -> int:
        """How much older the window of a run is than that of a row."""
        return self.start_frames[row] - run.start_frame
