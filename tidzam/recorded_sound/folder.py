"""The recordings of a source in a folder, found by time."""

from __future__ import annotations

import os
import stat
import threading
import time
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from tidzam.audio.file_length import file_length
from tidzam.audio.file_types import is_audio
from tidzam.naming import HELD_SUFFIX, PART_SUFFIX, split_date
from tidzam.recorded_sound.plan import TimedRecording

_BEFORE: Final = 2
"""How many recordings that begin before a period are looked at: the last of them may reach into it."""
_SETTLED_NS: Final = 2_000_000_000
_FACTS: Final = 65_536
_MOST_LISTINGS: Final = 512
"""Those of folders that were asked for last: a year of folders of days, and some."""

Names = tuple[tuple[datetime, str], ...]
"""Starts and names of recordings, in the order of time."""
Listing = tuple[Names, Names]
"""The recordings in a folder that are complete, and the hidden ones that are not."""


@dataclass(frozen=True)
class UnfinishedRecording:
    """A recording that is being written, or if it `is_held`, complete but hidden until speech in it is muted.

    `changed` is when it was last written to.
    """

    path: Path
    start: datetime
    changed: datetime
    is_held: bool


class RecordedFolder:
    """The recordings `SOURCE-YYYY-MM-DD-HH-MM-SS` in a folder or, with `by_day`, in its folders of days (UTC).

    Links are not followed. Hidden files, which are not complete or held back, are `unfinished`. May be used from any
    thread.
    """

    def __init__(self, path: Path, source: str, *, by_day: bool = False) -> None:
        self.path, self.source, self.by_day = path, source, by_day

    def names(self, start: datetime, end: datetime) -> list[tuple[Path, datetime]]:
        """The paths and starts of recordings that begin in a period, and of the last ones that begin before it."""
        found: list[tuple[Path, datetime]] = []
        for folder in self._folders(start, end):
            listing, _ = _listed(folder, self.source)
            first = max(0, bisect_right(listing, start, key=_time) - _BEFORE)
            last = bisect_left(listing, end, key=_time)
            found += [(folder / name, begun) for begun, name in listing[first:last]]
        return found

    def unfinished(self, start: datetime, end: datetime) -> list[UnfinishedRecording]:
        """The hidden recordings that may hold some of a period, in the order of time."""
        found: list[UnfinishedRecording] = []
        for folder in self._folders(start, end):
            for begun, name in _listed(folder, self.source)[1]:
                path = folder / name
                try:
                    changed = datetime.fromtimestamp(path.stat(follow_symlinks=False).st_mtime, UTC)
                except OSError:  # it is complete by now
                    continue
                if begun < end and changed > start:
                    found.append(UnfinishedRecording(path, begun, changed, name.endswith(HELD_SUFFIX)))
        return found

    def _folders(self, start: datetime, end: datetime) -> list[Path]:
        if not self.by_day:
            return [self.path]
        first, last = _day(start) - timedelta(days=1), _day(end)
        return [self.path / f"{first + timedelta(days=days):%Y-%m-%d}" for days in range((last - first).days + 1)]


def timed_recordings(named: Iterable[tuple[Path, datetime]], after: datetime) -> list[TimedRecording]:
    """Those of the recordings with these paths and starts that end after a time, in the order of time.

    What is gone, or cannot be read, is left out.
    """
    found = (_timed(path, start) for path, start in sorted(named, key=lambda one: (one[1], one[0])))
    return [file for file in found if file is not None and file.end > after]


def _timed(path: Path, start: datetime) -> TimedRecording | None:
    try:
        status = path.stat(follow_symlinks=False)
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return _facts(path, start, status.st_size, status.st_mtime_ns)


@lru_cache(_FACTS)
def _facts(path: Path, start: datetime, _size: int, _changed_ns: int) -> TimedRecording | None:
    found = file_length(path)
    frames = 0 if found is None else round(found.length_s * found.rate_hz)
    return TimedRecording(path, start, frames, found.rate_hz, found.channels) if found is not None and frames else None


_listings: dict[tuple[Path, str], tuple[int, Listing]] = {}
_lock = threading.Lock()


def _listed(folder: Path, source: str) -> Listing:
    """The recordings of a source in a folder, read again when the folder has changed; none if there is no folder."""
    try:
        changed_ns = folder.stat().st_mtime_ns
    except OSError:
        return (), ()
    with _lock:
        known = _listings.pop((folder, source), None)
        if known is not None and known[0] == changed_ns:
            _listings[folder, source] = known  # as the last one that was asked for
            return known[1]
    listing = _read(folder, source)
    if abs(time.time_ns() - changed_ns) > _SETTLED_NS:  # clocks of file systems are coarse
        with _lock:
            _listings[folder, source] = changed_ns, listing
            while len(_listings) > _MOST_LISTINGS:
                del _listings[next(iter(_listings))]
    return listing


def _read(folder: Path, source: str) -> Listing:
    complete: list[tuple[datetime, str]] = []
    unfinished: list[tuple[datetime, str]] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and not entry.name.endswith((PART_SUFFIX, HELD_SUFFIX)):
                continue
            final = Path(_final_name(entry.name))
            if not is_audio(final) or not entry.is_file(follow_symlinks=False):
                continue
            name, begun = split_date(final.stem)
            if name == source and begun is not None:
                (complete if final.name == entry.name else unfinished).append((begun, entry.name))
    return tuple(sorted(complete)), tuple(sorted(unfinished))


def _final_name(name: str) -> str:
    """The name that a recording has when it is complete and no longer hidden."""
    return name[1:].removesuffix(PART_SUFFIX).removesuffix(HELD_SUFFIX) if name.startswith(".") else name


def _time(entry: tuple[datetime, str]) -> datetime:
    return entry[0]


def _day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
