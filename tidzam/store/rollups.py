"""The counts of detections per hour and day, kept with the detections in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, func, insert, or_, select, tuple_
from sqlalchemy.orm import Session

from tidzam.store.local_time import HOURS
from tidzam.store.tables.detections import DetectionDayRow, DetectionHourRow, DetectionRow, DetectionVerdict
from tidzam.store.upsert import insert_into

DISCOUNTED = tuple(int(verdict) for verdict in DetectionVerdict if not verdict.counts)
"""The verdicts on detections that are not counted."""


class Bucket(NamedTuple):
    """What detections are counted by."""

    class_id: int
    local_hour: int
    channel_id: int
    model_id: int


def bucket_of(row: DetectionRow) -> Bucket | None:
    """Where a detection is counted; None if it was judged wrong."""
    if row.verdict in DISCOUNTED:
        return None
    return Bucket(row.class_id, row.local_hour, row.channel_id, row.model_id)


def count(session: Session, added: Iterable[Bucket], removed: Iterable[Bucket] = ()) -> None:
    """Add detections to the counts, and take others out."""
    hours = Counter(added)
    hours.subtract(removed)
    changes = {bucket: change for bucket, change in sorted(hours.items()) if change}
    if not changes:
        return
    days: Counter[tuple[int, int, int, int]] = Counter()
    for bucket, change in changes.items():
        days[bucket.local_hour // HOURS, bucket.class_id, bucket.channel_id, bucket.model_id] += change
    _add(session, DetectionHourRow, [{**bucket._asdict(), "detections": n} for bucket, n in changes.items()])
    names = ("local_day", "class_id", "channel_id", "model_id", "detections")
    _add(session, DetectionDayRow, [dict(zip(names, (*key, n), strict=True)) for key, n in sorted(days.items()) if n])
    if min(changes.values()) < 0:
        _remove_zeros(session, changes)


def _add(session: Session, table: type[DetectionHourRow | DetectionDayRow], rows: list[dict[str, int]]) -> None:
    if not rows:
        return
    statement = insert_into(session, table)
    keys = [column.name for column in table.__table__.primary_key]
    total = table.detections + statement.excluded.detections
    session.execute(statement.on_conflict_do_update(index_elements=keys, set_={"detections": total}), rows)


def _remove_zeros(session: Session, changed: Iterable[Bucket]) -> None:
    hour, day = DetectionHourRow, DetectionDayRow
    of_hour = tuple_(hour.class_id, hour.local_hour, hour.channel_id, hour.model_id)
    of_day = tuple_(day.local_day, day.class_id, day.channel_id, day.model_id)
    buckets = list(changed)
    days = {(one.local_hour // HOURS, one.class_id, one.channel_id, one.model_id) for one in buckets}
    session.execute(delete(hour).where(of_hour.in_([tuple(one) for one in buckets]), hour.detections == 0))
    session.execute(delete(day).where(of_day.in_(sorted(days)), day.detections == 0))


def recount(session: Session) -> None:
    """Replace all counts by those of the detections that are there: what retention has removed is counted no more."""
    session.execute(delete(DetectionHourRow))
    session.execute(delete(DetectionDayRow))
    row, hour = DetectionRow, DetectionHourRow
    by = (row.class_id, row.local_hour, row.channel_id, row.model_id)
    is_counted = or_(row.verdict.is_(None), row.verdict.not_in(DISCOUNTED))
    counted = select(*by, func.count()).where(is_counted).group_by(*by)
    names = ["class_id", "local_hour", "channel_id", "model_id", "detections"]
    session.execute(insert(hour).from_select(names, counted))
    local_day = hour.local_hour // HOURS
    by_day = (local_day, hour.class_id, hour.channel_id, hour.model_id)
    daily = select(*by_day, func.sum(hour.detections)).group_by(*by_day)
    session.execute(insert(DetectionDayRow).from_select(["local_day", *names[:1], *names[2:]], daily))
