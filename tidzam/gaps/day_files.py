"""The files of the gap ledger: one per day (UTC), to which several programs append, and one per program that is
replaced, with what that program has open."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from tidzam.file_ages import DAY_S, FileAges
from tidzam.gaps.open_state import OpenState
from tidzam.gaps.records import Record, by_day, decode, encode, midnight

_DAY_FILE: Final = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl", re.ASCII)
_OPEN: Final = ".open.json"


@dataclass(frozen=True)
class DayRecords:
    """The content of the file of a day. `damaged` is the number of lines that could not be read and were skipped."""

    records: tuple[Record, ...]
    damaged: int = 0


def append(folder: Path, record: Record) -> None:
    """Append `record` to the files of its days, by one write per line. Raises OSError.

    A line that a power failure, or a full disk, has cut short is ended first, so that it spoils no other.
    """
    for day, part in by_day(record):
        line = encode(part)
        descriptor = os.open(_path(folder, day), os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                line = b"\n" + line
            if os.write(descriptor, line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(descriptor)


def read_day(folder: Path, day: date) -> DayRecords:
    """The records of a day; none if there is no file. Raises OSError."""
    try:
        lines = _path(folder, day).read_bytes().split(b"\n")
    except FileNotFoundError:
        return DayRecords(())
    records, damaged = [], 0
    for line in filter(None, lines):
        try:
            records.append(decode(line))
        except ValueError:
            damaged += 1
    return DayRecords(tuple(records), damaged)


def days(folder: Path) -> tuple[date, ...]:
    """The days that have a file, in order. Raises OSError."""
    found = (_DAY_FILE.fullmatch(path.name) for path in folder.iterdir()) if folder.is_dir() else ()
    return tuple(sorted(day for match in found if match and (day := _day(match[1]))))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def delete_old(folder: Path, ages: FileAges, *, keep_days: int) -> None:
    """Delete the files of days that ended more than `keep_days` ago, by their `ages`. Raises OSError."""
    found = {str(day): day for day in days(folder)}
    ages_s = ages.see({name: midnight(day) for name, day in found.items()})
    for name, day in found.items():
        if ages_s[name] > (keep_days + 1) * DAY_S:
            _path(folder, day).unlink(missing_ok=True)


def write_open(folder: Path, state: OpenState) -> None:
    """Replace what the program `state.writer` has open. Raises OSError.

    Not flushed to disk: it is written every few seconds, and most file systems order a replacement after its data.
    """
    path = _open_path(folder, state.writer)
    fresh = path.with_suffix(".new")
    fresh.write_text(state.encode(), encoding="utf-8")
    fresh.replace(path)


def remove_open(folder: Path, writer: str) -> None:
    """Raises OSError."""
    _open_path(folder, writer).unlink(missing_ok=True)


def read_open(folder: Path, writer: str) -> OpenState | None:
    """What a program had open when it last wrote it; None if there is nothing readable."""
    return _read_open(_open_path(folder, writer))


def read_all_open(folder: Path) -> Iterable[OpenState]:
    """What each program had open when it last wrote it. Raises OSError."""
    paths = sorted(folder.glob(f"*{_OPEN}")) if folder.is_dir() else ()
    return filter(None, map(_read_open, paths))


def open_records(folder: Path, now: datetime) -> list[Record]:
    """What the programs have not ended at `now`, as intervals up to then. Raises OSError."""
    return [record for state in read_all_open(folder) for record in state.records_now(now)]


def _read_open(path: Path) -> OpenState | None:
    try:
        return OpenState.decode(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _path(folder: Path, day: date) -> Path:
    return folder / f"{day}.jsonl"


def _open_path(folder: Path, writer: str) -> Path:
    return folder / f"{writer}{_OPEN}"
