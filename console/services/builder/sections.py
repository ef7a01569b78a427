"""The sections of recordings that a recognizer is trained on, and the table that the trainer reads. Pure."""

from __future__ import annotations

import csv
import io
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from pathlib import Path
from typing import Final, overload

from console.services.builder.models import BACKGROUND, DayUse, is_background
from tidzam.recorded_sound.plan import TimedRecording

SLOT_S: Final = 30.0
"""The length of a section of background. There are several windows in a row, so that false alarms can be counted."""
_SHORTEST_S: Final = 0.01


@dataclass(frozen=True)
class TrainingSection:
    """A section of a file, in seconds from its start, with its tag.

    It is background without one, and, if somebody states that, with the tag `background`.
    """

    path: Path
    channel: int
    start_s: float
    end_s: float
    tag: str
    use: DayUse

    @property
    def is_background(self) -> bool:
        return is_background(self.tag)

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def windows(self, window_s: float) -> int:
        """About how many windows the trainer makes of it."""
        if self.is_background:
            return max(int(self.duration_s / window_s + 1e-6), 1 if self.tag else 0)
        return max(1, math.ceil(self.duration_s / window_s - 1e-6))


@dataclass(frozen=True)
class HeardTag:
    """A tag that is heard on a channel from `start` to `end`."""

    start: datetime
    end: datetime
    tag: str


def annotated_section(
    heard: HeardTag, files: Iterable[TimedRecording], channel: int, use: DayUse
) -> TrainingSection | None:
    """Where an annotation lies: in the file that has most of it; None if none has any."""
    best: TrainingSection | None = None
    for file in files:
        start_s = max(0.0, (heard.start - file.start).total_seconds())
        end_s = min(file.duration_s, (heard.end - file.start).total_seconds())
        number = channel if file.channels > 1 else 0
        if end_s - start_s > max(_SHORTEST_S, 0.0 if best is None else best.duration_s):
            best = TrainingSection(file.path, number, round(start_s, 3), round(end_s, 3), heard.tag, use)
    return best


def background_runs(
    file: TimedRecording,
    channel: int,
    heard: Sequence[HeardTag],
    use: DayUse,
    *,
    window_s: float,
    period: tuple[datetime, datetime] | None = None,
    is_stated: bool = False,
) -> Iterator[TrainingSection]:
    """The sections of a channel of a file, within a period, in which nothing was annotated, if a window fits in.

    With `is_stated`, somebody states that they are background.
    """
    number = channel if file.channels > 1 else 0
    for start_s, end_s in _free(file, heard, period or (file.start, file.end)):
        if end_s - start_s >= window_s:
            tag = BACKGROUND if is_stated else ""
            yield TrainingSection(file.path, number, round(start_s, 3), round(end_s, 3), tag, use)


def _free(
    file: TimedRecording, heard: Sequence[HeardTag], period: tuple[datetime, datetime]
) -> Iterator[tuple[float, float]]:
    """What of a file in a period nothing was annotated in, in seconds."""
    first_s, last_s = ((time - file.start).total_seconds() for time in period)
    at_s, until_s = max(0.0, first_s), min(file.duration_s, last_s)
    for one in sorted(heard, key=lambda one: one.start):
        start_s, end_s = ((time - file.start).total_seconds() for time in (one.start, one.end))
        if end_s <= at_s or start_s >= until_s:
            continue
        if start_s > at_s:
            yield at_s, start_s
        at_s = end_s
    if at_s < until_s:
        yield at_s, until_s


class BackgroundSlots(Sequence[TrainingSection]):
    """Runs of background, cut into slots of at most `longest_s`, or of one window. A slot is made when it is needed."""

    def __init__(self, runs: Iterable[TrainingSection], window_s: float, longest_s: float = SLOT_S) -> None:
        self._runs, self._window_s, self._length_s = tuple(runs), window_s, max(longest_s, window_s)
        self._ends = tuple(accumulate(map(self._count, self._runs)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, number: int) -> TrainingSection: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[TrainingSection]: ...
    def __getitem__(self, number: int | slice) -> TrainingSection | Sequence[TrainingSection]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        if not 0 <= number < len(self):
            raise IndexError(number)
        place = bisect_right(self._ends, number)
        run, before = self._runs[place], self._ends[place - 1] if place else 0
        start_s = round(run.start_s + (number - before) * self._length_s, 3)
        return replace(run, start_s=start_s, end_s=min(run.end_s, round(start_s + self._length_s, 3)))

    def _count(self, run: TrainingSection) -> int:
        whole = int(run.duration_s / self._length_s)
        return whole + (run.duration_s - whole * self._length_s >= self._window_s)


def spread(slots: Sequence[TrainingSection], most_windows: int, *, window_s: float) -> list[TrainingSection]:
    """As many of the sections, spread evenly over all, as hold `most_windows`; all of them if these hold fewer."""
    chosen, windows = dict[int, TrainingSection](), 0
    for number in _evenly(len(slots)):
        if windows >= most_windows or len(chosen) == len(slots):
            break
        if number not in chosen:
            chosen[number] = slots[number]
            windows += chosen[number].windows(window_s)
    return [chosen[number] for number in sorted(chosen)]


def _evenly(count: int) -> Iterator[int]:
    """Numbers below `count` that are spread evenly, however many of them are taken: the van der Corput sequence.

    Each comes, and some come twice.

    >>> list(_evenly(4))
    [0, 2, 1, 3]
    """
    bits = (count - 1).bit_length()
    for number in range(1 << bits if count else 0):
        yield int(f"{number:0{bits}b}"[::-1], 2) * count >> bits


def training_table(sections: Iterable[TrainingSection]) -> str:
    """The sections as the table that `python -m trainer openset` reads."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "channel", "start", "end", "tag", "use"])
    for one in sections:
        writer.writerow([one.path, one.channel, f"{one.start_s:.3f}", f"{one.end_s:.3f}", one.tag, one.use.value])
    return text.getvalue()


def windows_by_tag(sections: Iterable[TrainingSection], use: DayUse, window_s: float) -> Counter[str]:
    """About how many windows each tag has for a use."""
    counts = Counter[str]()
    for one in sections:
        if one.use is use and not one.is_background:
            counts[one.tag] += one.windows(window_s)
    return counts
