"""When classes were heard, and for how long was listened: per hour of each day, for time models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from tidzam.gaps.records import Gap, Loaded
from tidzam.store.local_time import HOURS, day_number
from tidzam.store.queries.classes import classes
from tidzam.store.queries.gaps import NodeLedger, ledger_records
from tidzam.store.tables.annotations import AnnotationRow, TagRow
from tidzam.store.tables.detections import ClassHourRow
from tidzam.time_models.circular import Float64
from tidzam.time_models.listened import listened_hours

Counts = NDArray[np.int32]


@dataclass(frozen=True)
class ClassTimes:
    """The detections of each class without those judged wrong, or the annotations of each tag, and the hours listened:
    shape (days, 24) each.

    Of `assumed_days`, it is not known when was listened, although something was heard: all their hours count.
    """

    days: Sequence[date]
    exposure_h: Float64
    counts: Mapping[tuple[str, ...], Counts]
    assumed_days: int

    def with_descendants(self) -> dict[tuple[str, ...], Counts]:
        """The detections of each class together with those below it."""
        sums: dict[tuple[str, ...], Counts] = {}
        for path, counts in self.counts.items():
            for depth in range(1, len(path) + 1):
                above = path[:depth]
                sums[above] = sums[above] + counts if above in sums else counts
        return sums


def class_times(
    session: Session, first: date, last: date, zone: tzinfo, *, ledger: NodeLedger, now: datetime
) -> ClassTimes:
    """What was heard from `first` to `last`, both included. Days are those of the nodes' clocks, in `zone`."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    paths = {one.id: one.path for one in classes(session)}
    row, first_hour = ClassHourRow, HOURS * day_number(first)
    within = (row.local_hour >= first_hour, row.local_hour < first_hour + HOURS * len(days))
    found = session.execute(select(row.local_hour, row.class_id, row.detections).where(*within))
    hour, class_id, detections = np.fromiter(chain.from_iterable(found), np.int64).reshape(-1, 3).T
    counts: dict[tuple[str, ...], Counts] = {}
    for number in np.unique(class_id).tolist():
        own = class_id == number
        of_class = np.zeros(len(days) * HOURS, dtype=np.int32)
        of_class[hour[own] - first_hour] = detections[own]
        counts[paths[number]] = of_class.reshape(len(days), HOURS)
    return _times(days, counts, _exposure(session, days, zone, ledger, now))


def tag_times(
    session: Session, first: date, last: date, zone: tzinfo, *, ledger: NodeLedger, now: datetime
) -> ClassTimes:
    """What was annotated from `first` to `last`, both included, by tag. Days are those of the clock in `zone`."""
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    since, until = _bounds(days, zone)
    row = AnnotationRow
    query = select(TagRow.name, row.start).join(TagRow, TagRow.id == row.tag_id)
    counts: dict[tuple[str, ...], Counts] = {}
    for tag, start in session.execute(query.where(row.start >= since, row.start < until)):
        there = start.astimezone(zone)
        of_tag = counts.setdefault((tag,), np.zeros((len(days), HOURS), dtype=np.int32))
        of_tag[(there.date() - first).days, there.hour] += 1
    return _times(days, counts, _exposure(session, days, zone, ledger, now))


def _times(days: Sequence[date], counts: Mapping[tuple[str, ...], Counts], exposure_h: Float64) -> ClassTimes:
    heard: NDArray[np.bool_] = np.zeros((len(days), HOURS), dtype=np.bool_)
    for of_class in counts.values():
        heard |= of_class > 0
    known_h, assumed_days = _assumed(exposure_h, heard)
    return ClassTimes(days, known_h, counts, assumed_days)


def _exposure(session: Session, days: Sequence[date], zone: tzinfo, ledger: NodeLedger, now: datetime) -> Float64:
    """The hours listened of all channels of all nodes, up to now."""
    total: Float64 = np.zeros((len(days), HOURS))
    for records in ledger_records(session, *_bounds(days, zone), ledger, now=now).values():
        loaded = [one for one in records if isinstance(one, Loaded)]
        gaps = [one for one in records if isinstance(one, Gap)]
        total += listened_hours(loaded, gaps, days, zone)
    return total


def _bounds(days: Sequence[date], zone: tzinfo) -> tuple[datetime, datetime]:
    """When the first day begins, and when the last one ends."""
    first, end = (datetime.combine(day, time(), zone) for day in (days[0], days[-1] + timedelta(days=1)))
    return first.astimezone(UTC), end.astimezone(UTC)


def _assumed(exposure_h: Float64, heard: NDArray[np.bool_]) -> tuple[Float64, int]:
    """The hours listened, and the number of days of which they are assumed: an hour in which something was heard was
    listened to, and of a day without any record, so were all hours."""
    is_assumed: NDArray[np.bool_] = np.asarray(heard.any(axis=1) & ~(exposure_h > 0).any(axis=1))
    known = np.where(is_assumed[:, None], 1.0, exposure_h)
    return np.where(heard & ~(known > 0), 1.0, known), int(is_assumed.sum())
