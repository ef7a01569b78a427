"""Counts of detections by filters that the counts per hour do not know, such as the probability: one by one.

It takes about a second per million detections in the period. What was judged wrong is left out, unless the filters ask
for verdicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from tidzam.store.local_time import HOURS, day_of
from tidzam.store.queries.counts import DayCount, HourCount
from tidzam.store.queries.detections import DetectionCriteria, conditions
from tidzam.store.rollups import DISCOUNTED
from tidzam.store.tables.detections import DetectionRow


def filtered_counts_per_day(session: Session, criteria: DetectionCriteria) -> list[DayCount]:
    """The detections per day and class, in the order of days; days and classes without any are left out."""
    row = DetectionRow
    day = row.local_hour // HOURS
    query = select(day, row.class_id, func.count()).where(*_counted(criteria)).group_by(day, row.class_id)
    found = session.execute(query.order_by(day, row.class_id))
    return [DayCount(day_of(number), class_id, count) for number, class_id, count in found]


def filtered_heat_map(session: Session, criteria: DetectionCriteria) -> list[HourCount]:
    """The detections per hour of each day, in the order of time; hours without any are left out."""
    hour = DetectionRow.local_hour
    query = select(hour, func.count()).where(*_counted(criteria)).group_by(hour).order_by(hour)
    return [HourCount(day_of(number // HOURS), number % HOURS, count) for number, count in session.execute(query)]


def _counted(criteria: DetectionCriteria) -> Iterator[Any]:
    row = DetectionRow
    if criteria.since is not None:
        yield row.start >= criteria.since
    if criteria.until is not None:
        yield row.start < criteria.until
    yield from conditions(criteria, row)
    if criteria.verdicts is None:
        yield or_(row.verdict.is_(None), row.verdict.not_in(DISCOUNTED))
