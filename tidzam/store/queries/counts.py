"""Counts of detections for charts, without those judged wrong: per day, per hour, and by class.

All of them are read from the counts per day and hour, so that they take milliseconds for years of detections. Days and
hours are those of the clocks of the nodes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, cast, func, or_, select
from sqlalchemy.orm import Session

from tidzam.store.base import from_microseconds
from tidzam.store.local_time import HOURS, day_number, day_of
from tidzam.store.lookups import SEPARATOR
from tidzam.store.rollups import DISCOUNTED
from tidzam.store.tables.detections import ClassDayRow, ClassHourRow, DetectionDayRow, DetectionHourRow, DetectionRow
from tidzam.store.tables.models import ClassRow

_DAY_US: Final = 86_400_000_000
_FEW: Final = 4
"""Classes that are read one by one."""


@dataclass(frozen=True, kw_only=True)
class CountCriteria:
    """What is counted: the days from `first` to `last`, both included, and the classes, channels and models with these
    numbers; None counts all. Those of `without_classes` are not counted."""

    first: date
    last: date
    classes: Collection[int] | None = None
    without_classes: Collection[int] = ()
    channels: Collection[int] | None = None
    models: Collection[int] | None = None


class DayCount(NamedTuple):
    """The detections of a class on a day."""

    day: date
    class_id: int
    detections: int


class HourCount(NamedTuple):
    """The detections that begin in an hour of a day, 0 to 23."""

    day: date
    hour: int
    detections: int


class ClassHourCount(NamedTuple):
    """The detections of a class that begin in an hour of a day, 0 to 23."""

    day: date
    hour: int
    class_id: int
    detections: int


@dataclass(frozen=True)
class HeardClass:
    """A class that was heard: how often, and when for the first and the last time.

    If retention has removed all its detections of that day, the time is noon of the day.
    """

    class_id: int
    path: tuple[str, ...]
    detections: int
    first: datetime
    last: datetime


def counts_per_day(session: Session, criteria: CountCriteria) -> list[DayCount]:
    """The detections per day and class, in the order of days; days and classes without any are left out."""
    row = _day_row(criteria)
    by = (row.local_day, row.class_id)
    query = select(*by, func.sum(row.detections)).where(*_days(row, criteria), *_chosen(row, criteria))
    grouped = session.execute(query.group_by(*by).order_by(*by))
    return [DayCount(day_of(day), class_id, int(n)) for day, class_id, n in grouped]


def heat_map(session: Session, criteria: CountCriteria) -> list[HourCount]:
    """The detections per hour of each day, in the order of time; hours without any are left out."""
    row = _hour_row(criteria)
    query = _hourly(row, criteria, row.local_hour).group_by(row.local_hour).order_by(row.local_hour)
    return [HourCount(day_of(hour // HOURS), hour % HOURS, int(n)) for hour, n in session.execute(query)]


def counts_per_hour(session: Session, criteria: CountCriteria) -> list[ClassHourCount]:
    """The detections per hour and class, in the order of time; those without any are left out."""
    row = _hour_row(criteria)
    by = (row.local_hour, row.class_id)
    query = _hourly(row, criteria, *by).group_by(*by).order_by(*by)
    return [
        ClassHourCount(day_of(hour // HOURS), hour % HOURS, class_id, int(n))
        for hour, class_id, n in session.execute(query)
    ]


def heard_classes(session: Session, criteria: CountCriteria) -> list[HeardClass]:
    """The classes that were heard, the most frequent first."""
    row = _day_row(criteria)
    heard = (
        select(
            row.class_id,
            func.sum(row.detections).label("n"),
            func.min(row.local_day).label("first_day"),
            func.max(row.local_day).label("last_day"),
        )
        .where(*_days(row, criteria), *_chosen(row, criteria))
        .group_by(row.class_id)
        .cte("heard")
    )
    first, last = (_end_of_class(heard.c, criteria, is_last=is_last) for is_last in (False, True))
    query = (
        select(heard.c.class_id, ClassRow.path, heard.c.n, first, last, heard.c.first_day, heard.c.last_day)
        .join(ClassRow, ClassRow.id == heard.c.class_id)
        .order_by(heard.c.n.desc(), ClassRow.path)
    )
    return [
        HeardClass(
            class_id, tuple(path.split(SEPARATOR)), int(n), first or _noon_of(first_day), last or _noon_of(last_day)
        )
        for class_id, path, n, first, last, first_day, last_day in session.execute(query)
    ]


def _noon_of(day: int) -> datetime:
    return from_microseconds(int(day) * _DAY_US + _DAY_US // 2)


def _end_of_class(heard: Any, criteria: CountCriteria, *, is_last: bool) -> Any:
    """When a class was heard first, or last: looked for from its first day on, or back from its last one."""
    row = DetectionRow
    place = row.start.desc() if is_last else row.start.asc()
    day: Any = cast(heard.last_day if is_last else heard.first_day, BigInteger)
    # The day is local, and no clock differs from UTC by more than a day.
    near = row.start < (day + 2) * _DAY_US if is_last else row.start >= (day - 1) * _DAY_US
    on_day = (row.local_hour >= day * HOURS, row.local_hour < (day + 1) * HOURS)
    counted = or_(row.verdict.is_(None), row.verdict.not_in(DISCOUNTED))
    conditions = (row.class_id == heard.class_id, near, *on_day, counted, *_chosen_places(row, criteria))
    return select(row.start).where(*conditions).order_by(place).limit(1).scalar_subquery()


def _day_row(criteria: CountCriteria) -> Any:
    """The smallest table of days that answers."""
    return ClassDayRow if criteria.channels is None and criteria.models is None else DetectionDayRow


def _hour_row(criteria: CountCriteria) -> Any:
    """The table of hours of which the fewest rows are read: that by class and hour, or that by hour and class."""
    is_of_few = criteria.classes is not None and len(criteria.classes) <= _FEW
    return ClassHourRow if criteria.channels is None and criteria.models is None and not is_of_few else DetectionHourRow


def _hourly(row: Any, criteria: CountCriteria, *by: Any) -> Select[Any]:
    first, end = day_number(criteria.first) * HOURS, (day_number(criteria.last) + 1) * HOURS
    hours = (row.local_hour >= first, row.local_hour < end)
    return select(*by, func.sum(row.detections)).where(*hours, *_chosen(row, criteria))


def _days(row: Any, criteria: CountCriteria) -> tuple[ColumnElement[bool], ...]:
    return row.local_day >= day_number(criteria.first), row.local_day <= day_number(criteria.last)


def _chosen(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    classes = [] if criteria.classes is None else [row.class_id.in_(list(criteria.classes))]
    others = [row.class_id.not_in(list(criteria.without_classes))] if criteria.without_classes else []
    return [*classes, *others, *_chosen_places(row, criteria)]


def _chosen_places(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    chosen = (("channel_id", criteria.channels), ("model_id", criteria.models))
    return [getattr(row, column).in_(list(numbers)) for column, numbers in chosen if numbers is not None]
