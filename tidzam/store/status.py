"""The state of the store: where it is, how much it holds, and what waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select, text

from tidzam.config.store import StoreSettings
from tidzam.spool.spool import lines_waiting
from tidzam.store import tables
from tidzam.store.base import Base
from tidzam.store.database import Store
from tidzam.store.local_time import day_number
from tidzam.store.migrate import version_of
from tidzam.store.receiver import WRITERS, former_spools, spool_of
from tidzam.store.tables.detections import ClassDayRow, DetectionRow

RATE_DAYS: Final = 7
assert tables  # imported, so that the metadata knows all of them


@dataclass(frozen=True)
class StoreStatus:
    """The state of a store. `rows` are by table, `waiting` are the records on disk by the program that left them."""

    address: str
    kind: str
    version: str
    size_bytes: int
    rows: Mapping[str, int]
    waiting: Mapping[str, int]


def store_status(store: Store, settings: StoreSettings, home: Path | None) -> StoreStatus:
    """The state of an open store. Counting the rows of a large one may take seconds. Raises StoreError."""
    with store.read() as session:
        rows = {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
        }
        version = version_of(session.connection()) or ""
    return StoreStatus(
        address=store.address,
        kind="SQLite" if store.is_sqlite else "PostgreSQL",
        version=version,
        size_bytes=_size_bytes(store),
        rows=dict(sorted(rows.items())),
        waiting=records_waiting(settings, home),
    )


@dataclass(frozen=True)
class DetectionRate:
    """How many detections there are, and how many come per day, of the last seven days at most."""

    detections: int
    per_day: float


def detection_rate(store: Store, now: datetime) -> DetectionRate:
    """Counting the detections of a large store may take seconds. Raises StoreError."""
    day, row = ClassDayRow, DetectionRow
    today = day_number(now.date())
    heard = select(func.sum(day.detections)).where(day.local_day > today - RATE_DAYS, day.local_day <= today)
    with store.read() as session:
        stored = session.scalar(select(func.count()).select_from(row)) or 0
        first_day = session.scalar(select(func.min(day.local_day)))  # rows may have been removed, and counts stay
        recent = session.scalar(heard) or 0
    age_days = 0.0 if first_day is None else now.timestamp() / 86400 - first_day
    return DetectionRate(stored, int(recent) / min(RATE_DAYS, max(1 / 24, age_days)))


def records_waiting(settings: StoreSettings, home: Path | None) -> Mapping[str, int]:
    """The records that wait for the database, by program. A spool that programs share counts for the first one."""
    found, seen = {}, set[Path]()
    for program in WRITERS:
        folders = {spool_of(settings, home, program), *former_spools(settings, home, program)} - seen
        found[program] = sum(map(lines_waiting, folders))
        seen |= folders
    return found


def _size_bytes(store: Store) -> int:
    """The size of the files of the database, with the log of what was not yet written back."""
    if not store.is_sqlite:
        with store.read() as session:
            return session.scalar(text("SELECT pg_database_size(current_database())")) or 0
    file = Path(str(store.engine.url.database))
    names = (file, file.with_name(f"{file.name}-wal"))
    return sum(path.stat().st_size for path in names if path.exists())
