"""The recordings of one source in the order of their start, found by bisection. Pure: no file is opened here."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from itertools import pairwise
from statistics import median
from typing import Final

from stream_manager.recordings.local_times import LengthOf, is_ambiguous, starts_utc_s, utc_s

_SAMPLED: Final = 1000
"""How many recordings in succession have a usual length."""
_LENGTH_S: Final = 600.0
"""The assumed length of the only recording, until it is known."""
_OVERLAPPING: Final = 4
"""How many of the last recordings before a time may hold it."""
_NEIGHBOURS: Final = 2
"""Recordings on both sides of an ambiguous hour that are considered with it."""


@dataclass(frozen=True, slots=True, order=True)
class Recording:
    """A recording: its start in seconds since 1970 (UTC), and the name of its file."""

    start_s: float
    file_name: str


class RecordingIndex:
    """Recordings by their start. Their file names contain times of `zone`.

    `file_length_s` is the length of every recording whose own is not in `lengths_s`; without it, one lasts as long as
    recordings usually do, and at most until the next one.
    """

    def __init__(self, zone: tzinfo, *, file_length_s: float | None = None) -> None:
        self.zone, self.file_length_s = zone, file_length_s
        self.lengths_s: dict[str, float] = {}
        """The known lengths, by file name."""
        self._sorted: list[Recording] = []
        self._by_name: dict[str, Recording] = {}
        self._ambiguous: dict[str, datetime] = {}
        """The recordings at an hour of local time that occurs twice."""
        self._usual_s: dict[int, float] = {}
        """The median distance of recordings, by blocks of _SAMPLED in their order."""

    def __len__(self) -> int:
        return len(self._sorted)

    def __iter__(self) -> Iterator[Recording]:
        return iter(self._sorted)

    def __contains__(self, file_name: str) -> bool:
        return file_name in self._by_name

    def fill(self, locals_: Mapping[str, datetime], length_of: LengthOf[str]) -> None:
        """Replace all recordings by those of `locals_`: the local start by file name.

        `length_of` is called for recordings that start while the clock is set back.
        """
        names = sorted(locals_, key=lambda name: (locals_[name], name))
        starts = starts_utc_s([locals_[name] for name in names], self.zone, lambda index: length_of(names[index]))
        self._sorted = sorted(map(Recording, starts, names))
        self._by_name = {recording.file_name: recording for recording in self._sorted}
        self._usual_s.clear()
        self._ambiguous = {name: local for name, local in locals_.items() if is_ambiguous(local, self.zone)}
        self.lengths_s = {name: length for name, length in self.lengths_s.items() if name in self._by_name}

    def add(self, file_name: str, local: datetime, length_of: LengthOf[str]) -> None:
        """Add one recording, or note that it has changed: then its length is unknown again."""
        self.remove(file_name)
        recording = Recording(utc_s(local, self.zone), file_name)
        self._insert(recording)
        if is_ambiguous(local, self.zone):
            self._ambiguous[file_name] = local
        before = self._sorted[bisect_left(self._sorted, recording) - 1 :][:1]
        for name in (file_name, *(one.file_name for one in before)):
            if name in self._ambiguous:
                self._place_ambiguous(self._ambiguous[name], length_of)
                break

    def remove(self, file_name: str) -> None:
        """Remove a recording, if there is one of that name."""
        recording = self._by_name.pop(file_name, None)
        if recording is not None:
            del self._sorted[bisect_left(self._sorted, recording)]
            self._usual_s.clear()
        self._ambiguous.pop(file_name, None)
        self.lengths_s.pop(file_name, None)

    def _insert(self, recording: Recording) -> None:
        self._usual_s.clear()
        insort(self._sorted, recording)
        self._by_name[recording.file_name] = recording

    def _place_ambiguous(self, local: datetime, length_of: LengthOf[str]) -> None:
        """Decide again on all recordings at the ambiguous hour around `local`."""
        group = {name: one for name, one in self._ambiguous.items() if one.date() == local.date()}
        for name in group:
            del self._sorted[bisect_left(self._sorted, self._by_name[name])]
        at = bisect_left(self._sorted, utc_s(local, self.zone), key=lambda one: one.start_s)
        around = self._sorted[max(0, at - _NEIGHBOURS) : at + _NEIGHBOURS]
        fixed = {one.file_name: datetime.fromtimestamp(one.start_s, self.zone).replace(tzinfo=None) for one in around}
        names = sorted(fixed | group, key=lambda name: ((fixed | group)[name], name))
        starts = starts_utc_s(
            [(fixed | group)[name] for name in names], self.zone, lambda index: length_of(names[index])
        )
        for name, start_s in zip(names, starts, strict=True):
            if name in group:
                self._insert(Recording(start_s, name))

    def length_s(self, recording: Recording) -> float:
        """The length of a recording, as far as it is known."""
        known = self.lengths_s.get(recording.file_name, self.file_length_s)
        return self._assumed_s(recording) if known is None else known

    def _assumed_s(self, recording: Recording) -> float:
        at = bisect_left(self._sorted, recording)
        block = at // _SAMPLED
        if block not in self._usual_s:
            nearby = self._sorted[block * _SAMPLED : (block + 1) * _SAMPLED + 1]
            distances = [after.start_s - before.start_s for before, after in pairwise(nearby)]
            self._usual_s[block] = median(distances or [_LENGTH_S])
        usual_s, following = self._usual_s[block], self.following(recording)
        return usual_s if following is None else min(usual_s, following.start_s - recording.start_s)

    def at(self, time_s: float) -> Recording | None:
        """The recording that holds a time; of several, the one that started last."""
        after = bisect_right(self._sorted, time_s, key=_start)
        for recording in reversed(self._sorted[max(0, after - _OVERLAPPING) : after]):
            if time_s < recording.start_s + self.length_s(recording):
                return recording
        return None

    def after(self, time_s: float) -> Recording | None:
        """The first recording that starts after a time."""
        at = bisect_right(self._sorted, time_s, key=_start)
        return self._sorted[at] if at < len(self._sorted) else None

    def following(self, recording: Recording) -> Recording | None:
        """The recording after another one, which may have been removed meanwhile."""
        at = bisect_right(self._sorted, recording)
        return self._sorted[at] if at < len(self._sorted) else None

    @property
    def newest(self) -> Recording | None:
        return self._sorted[-1] if self._sorted else None

    def unmeasured(self) -> Sequence[str]:
        """The file names of recordings whose length is unknown, newest first."""
        return [one.file_name for one in reversed(self._sorted) if one.file_name not in self.lengths_s]

    def periods(self, *, join_s: float) -> list[tuple[float, float]]:
        """The periods with recordings: their starts and ends in seconds since 1970.

        Recordings that are at most `join_s` apart are one period.
        """
        return merge(((one.start_s, one.start_s + self.length_s(one)) for one in self._sorted), join_s=join_s)


def merge(periods: Iterable[tuple[float, float]], *, join_s: float) -> list[tuple[float, float]]:
    """Periods in ascending order of their starts, those that overlap or are at most `join_s` apart as one."""
    merged: list[tuple[float, float]] = []
    for start_s, end_s in periods:
        if merged and start_s - merged[-1][1] <= join_s:
            merged[-1] = merged[-1][0], max(merged[-1][1], end_s)
        else:
            merged.append((start_s, end_s))
    return merged


def _start(recording: Recording) -> float:
    return recording.start_s
