"""The counts of detections per hour and day, kept with the detections in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, tuple_
from sqlalchemy.orm import Session

from tidzam.store.base import Base
from tidzam.store.local_time import HOURS
from tidzam.store.tables.detections import (
    ChannelHourRow,
    ClassDayRow,
    ClassHourRow,
    DetectionDayRow,
    DetectionHourRow,
    DetectionRow,
    DetectionVerdict,
)
from tidzam.store.upsert import insert_into, table_of

DISCOUNTED = tuple(int(verdict) for verdict in DetectionVerdict if not verdict.counts)
"""The verdicts on detections that are not counted."""


class Bucket(NamedTuple):
    """What detections are counted by."""

    class_id: int
    local_hour: int
    channel_id: int
    model_id: int


@dataclass(frozen=True)
class Rollup:
    """A table of counts by `columns`, which are its key."""

    row: type[Base]
    columns: tuple[str, ...]

    def key_of(self, bucket: Bucket) -> tuple[int, ...]:
        """The key of the row that counts a bucket."""
        values = {**bucket._asdict(), "local_day": bucket.local_hour // HOURS}
        return tuple(values[column] for column in self.columns)


_HOURS: Final = Rollup(DetectionHourRow, ("class_id", "local_hour", "channel_id", "model_id"))
ROLLUPS: Final = (
    _HOURS,
    Rollup(DetectionDayRow, ("channel_id", "local_day", "class_id", "model_id")),
    Rollup(ClassHourRow, ("local_hour", "class_id")),
    Rollup(ClassDayRow, ("local_day", "class_id")),
    Rollup(ChannelHourRow, ("channel_id", "local_hour")),
)


def bucket_of(row: DetectionRow) -> Bucket | None:
    """Where a detection is counted; None if it was judged wrong."""
    if row.verdict in DISCOUNTED:
        return None
    return Bucket(row.class_id, row.local_hour, row.channel_id, row.model_id)


def count(session: Session, added: Iterable[Bucket], removed: Iterable[Bucket] = ()) -> None:
    """Add detections to the counts, and take others out."""
    changes = Counter(added)
    changes.subtract(removed)
    for rollup in ROLLUPS:
        _add(session, rollup, changes)


def _add(session: Session, rollup: Rollup, changes: Mapping[Bucket, int]) -> None:
    sums: Counter[tuple[int, ...]] = Counter()
    for bucket, change in changes.items():
        sums[rollup.key_of(bucket)] += change
    changed = {key: change for key, change in sorted(sums.items()) if change}  # in one order for all writers
    if not changed:
        return
    table = table_of(rollup.row)
    statement = insert_into(session, rollup.row)
    total = {"detections": table.c.detections + statement.excluded.detections}
    rows = [{**dict(zip(rollup.columns, key, strict=True)), "detections": change} for key, change in changed.items()]
    session.execute(statement.on_conflict_do_update(index_elements=rollup.columns, set_=total), rows)
    if min(changed.values()) < 0:
        keys = tuple_(*(table.c[column] for column in rollup.columns))
        session.execute(delete(table).where(keys.in_(list(changed)), table.c.detections == 0))


def recount(session: Session) -> None:
    """Replace all counts by those of the detections that are there: what retention has removed is counted no more."""
    row = table_of(DetectionRow).c
    is_counted = or_(row.verdict.is_(None), row.verdict.not_in(DISCOUNTED))
    _replace(session, _HOURS, row, func.count(), is_counted)
    for rollup in ROLLUPS:
        if rollup is not _HOURS:
            counted = table_of(DetectionHourRow).c
            _replace(session, rollup, counted, func.sum(counted.detections))


def _replace(
    session: Session, rollup: Rollup, source: Any, number: ColumnElement[int], *conditions: ColumnElement[bool]
) -> None:
    """Replace the counts of a rollup by those of `source`, its columns."""
    table = table_of(rollup.row)
    by = [source.local_hour // HOURS if column == "local_day" else source[column] for column in rollup.columns]
    # In the order of the key, as if they had come one after the other.
    counted = select(*by, number).where(*conditions).group_by(*by).order_by(*by)
    session.execute(delete(table))
    session.execute(insert(table).from_select([*rollup.columns, "detections"], counted))
