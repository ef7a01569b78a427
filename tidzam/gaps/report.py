"""Reads the gap ledger of a node: what was heard of each channel on a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from tidzam.gaps.day_files import days, open_records, read_day
from tidzam.gaps.heard import Heard, heard
from tidzam.gaps.records import midnight


@dataclass(frozen=True)
class DayReport:
    """The channels on a day (UTC), up to `until`. `damaged` lines of its file could not be read."""

    day: date
    until: datetime
    channels: tuple[Heard, ...]
    damaged: int


def read_report(folder: Path, day: date, now: datetime) -> DayReport:
    """The report on `day` as far as it is known at `now`, an aware time. Raises OSError."""
    found = read_day(folder, day)
    open_now = open_records(folder, now)
    until = min(now, midnight(day) + timedelta(days=1))
    return DayReport(day, until, heard(day, (*found.records, *open_now)), found.damaged)


def recorded_days(folder: Path) -> tuple[date, ...]:
    """The days that the ledger has records of, in order. Raises OSError."""
    return days(folder)
