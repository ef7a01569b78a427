"""The sections of recordings that a recognizer is trained on, and the table that the trainer reads. Pure."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from console.services.builder.models import DayUse
from tidzam.recorded_sound.plan import TimedRecording

SLOT_S: Final = 30.0
"""The length of a section of background. There are several windows in a row, so that false alarms can be counted."""
_SHORTEST_S: Final = 0.01
_GOLDEN: Final = 0.6180339887498949
"""Multiples of the golden ratio, without their whole parts, are spread evenly, however many of them are taken."""


@dataclass(frozen=True)
class TrainingSection:
    """A section of a file, in seconds from its start, with its tag; without one it is background."""

    path: Path
    channel: int
    start_s: float
    end_s: float
    tag: str
    use: DayUse

    @property
    def duration_s(self) -> float:
        return self.end_s - self.start_s

    def windows(self, window_s: float) -> int:
        """About how many windows the trainer makes of it."""
        if not self.tag:
            return int(self.duration_s / window_s + 1e-6)
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


def background_slots(
    file: TimedRecording, channel: int, heard: Sequence[HeardTag], use: DayUse, *, window_s: float
) -> Iterator[TrainingSection]:
    """The sections of a channel of a file in which nothing was annotated, each of at most `SLOT_S`, or one window."""
    length_s = max(SLOT_S, window_s)
    number = channel if file.channels > 1 else 0
    for free_s, end_s in _free(file, heard):
        start_s = free_s
        while end_s - start_s >= window_s:
            slot_end_s = min(end_s, start_s + length_s)
            yield TrainingSection(file.path, number, round(start_s, 3), round(slot_end_s, 3), "", use)
            start_s = slot_end_s


def _free(file: TimedRecording, heard: Sequence[HeardTag]) -> Iterator[tuple[float, float]]:
    """What of a file nothing was annotated in, in seconds."""
    at_s = 0.0
    for one in sorted(heard, key=lambda one: one.start):
        start_s, end_s = ((time - file.start).total_seconds() for time in (one.start, one.end))
        if end_s <= 0 or start_s >= file.duration_s:
            continue
        if start_s > at_s:
            yield at_s, start_s
        at_s = max(at_s, end_s)
    if at_s < file.duration_s:
        yield at_s, file.duration_s


def spread(slots: Sequence[TrainingSection], most_windows: int, *, window_s: float) -> list[TrainingSection]:
    """As many of the sections, spread evenly over all, as hold `most_windows`; all of them if these hold fewer."""
    chosen, windows = [], 0
    for number in sorted(range(len(slots)), key=lambda one: one * _GOLDEN % 1):
        if windows >= most_windows:
            break
        chosen.append(number)
        windows += slots[number].windows(window_s)
    return [slots[number] for number in sorted(chosen)]


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
        if one.tag and one.use is use:
            counts[one.tag] += one.windows(window_s)
    return counts
