"""Counts of detections for charts, without those judged wrong: per day, per hour, and by class.

All of them are read from the counts per day and hour, so that they take milliseconds for years of detections. Days and
hours are those of the clocks of the nodes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Select, cast, column, func, or_, select, values
from sqlalchemy.orm import Session

from tidzam.store.base import from_microseconds
from tidzam.store.local_time import HOURS, day_number, day_of
from tidzam.store.lookups import SEPARATOR
from tidzam.store.rollups import DISCOUNTED
from tidzam.store.tables.detections import (
    ChannelHourRow,
    ClassDayRow,
    ClassHourRow,
    DetectionDayRow,
    DetectionHourRow,
    DetectionRow,
)
from tidzam.store.tables.models import ClassRow
from tidzam.store.tables.places import ChannelRow

_HOUR_US: Final = 3_600_000_000
_DAY_US: Final = 24 * _HOUR_US
_FEW: Final = 4
"""Classes that are read one by one."""
_NEVER: Final = 10**9
"""A day after all others."""


@dataclass(frozen=True, kw_only=True)
class CountCriteria:
    """What is counted: the days from `first` to `last`, both included, and the classes, channels and models with these
    numbers; None counts all. Those of `without_classes` are not counted.

    Of `step_days` days from the first one on, the counts are added, and returned with the first of them.
    """

    first: date
    last: date
    step_days: int = 1
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
    """A class that was heard: how often in all and on which `days`, and when for the first and the last time.

    If retention has removed all its detections of that day, the time is noon of the day.
    """

    class_id: int
    path: tuple[str, ...]
    detections: int
    first: datetime
    last: datetime
    days: Mapping[date, int]


def counts_per_day(session: Session, criteria: CountCriteria) -> list[DayCount]:
    """The detections per day and class, in the order of days; days and classes without any are left out."""
    row = _day_row(criteria)
    by = (_first_of_step(row.local_day, criteria), row.class_id)
    query = select(*by, func.sum(row.detections)).where(*_days(row, criteria), *_chosen(row, criteria))
    grouped = session.execute(query.group_by(*by).order_by(*by))
    return [DayCount(day_of(day), class_id, int(n)) for day, class_id, n in grouped]


def heat_map(session: Session, criteria: CountCriteria) -> list[HourCount]:
    """The detections per hour of each day, in the order of time; hours without any are left out."""
    if criteria.classes is not None or criteria.models is not None:
        counts = _per_hour(session, _hour_row(criteria), criteria)
    else:  # there are few classes to leave out
        counts = _per_hour(session, ChannelHourRow, replace(criteria, without_classes=()))
        if criteria.without_classes:
            others = replace(criteria, classes=criteria.without_classes, without_classes=())
            counts.subtract(_per_hour(session, DetectionHourRow, others))
    return [HourCount(day_of(day), hour, n) for (day, hour), n in sorted(counts.items()) if n > 0]


def _per_hour(session: Session, row: Any, criteria: CountCriteria) -> Counter[tuple[int, int]]:
    """The counts of a table by day and hour."""
    by = (_first_of_step(row.local_hour // HOURS, criteria), row.local_hour % HOURS)
    found = session.execute(_hourly(row, criteria, *by).group_by(*by))
    return Counter({(day, hour): int(n) for day, hour, n in found})


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
    day = _first_of_step(row.local_day, criteria)
    query = select(row.class_id, day, func.sum(row.detections), func.min(row.local_day), func.max(row.local_day))
    wanted = query.where(*_days(row, criteria), *_chosen(row, criteria)).group_by(row.class_id, day)
    found: dict[int, _ClassDays] = {}
    for class_id, of_step, n, first_day, last_day in session.execute(wanted):
        found.setdefault(class_id, _ClassDays()).add(of_step, int(n), first_day, last_day)
    if not found:
        return []
    columns = (column("class_id", BigInteger), column("first_day", BigInteger), column("last_day", BigInteger))
    rows = [(class_id, one.first_day, one.last_day) for class_id, one in found.items()]
    heard = values(*columns, name="heard").data(rows).cte()
    first, last = (_end_of_class(heard.c, criteria, is_last=is_last) for is_last in (False, True))
    named = select(heard.c.class_id, ClassRow.path, first, last).join(ClassRow, ClassRow.id == heard.c.class_id)
    classes = (found[class_id].heard(class_id, path, *ends) for class_id, path, *ends in session.execute(named))
    return sorted(classes, key=lambda one: (-one.detections, one.path))


@dataclass
class _ClassDays:
    """The detections of a class while they are counted: by the first day of each step, and when they are."""

    days: dict[date, int] = field(default_factory=dict)
    first_day: int = _NEVER
    last_day: int = -_NEVER

    def add(self, of_step: int, detections: int, first_day: int, last_day: int) -> None:
        self.days[day_of(of_step)] = detections
        self.first_day, self.last_day = min(self.first_day, first_day), max(self.last_day, last_day)

    def heard(self, class_id: int, path: str, first: datetime | None, last: datetime | None) -> HeardClass:
        return HeardClass(
            class_id,
            tuple(path.split(SEPARATOR)),
            sum(self.days.values()),
            first or _noon_of(self.first_day),
            last or _noon_of(self.last_day),
            self.days,
        )


def _first_of_step(day: Any, criteria: CountCriteria) -> Any:
    """The first of the days that are counted together with a day, as the number that `local_day` is."""
    if criteria.step_days == 1:
        return day
    first = day_number(criteria.first)
    return day - (day - first) % criteria.step_days


def _noon_of(day: int) -> datetime:
    return from_microseconds(int(day) * _DAY_US + _DAY_US // 2)


def _end_of_class(heard: Any, criteria: CountCriteria, *, is_last: bool) -> Any:
    """When a class was heard first, or last: looked for from its first day on, or back from its last one."""
    row = DetectionRow
    place = row.start.desc() if is_last else row.start.asc()
    day: Any = cast(heard.last_day if is_last else heard.first_day, BigInteger)
    # The day is local: clocks are up to 12 hours behind UTC, and up to 14 hours ahead.
    near = (row.start >= day * _DAY_US - 14 * _HOUR_US, row.start < (day + 1) * _DAY_US + 12 * _HOUR_US)
    on_day = (row.local_hour >= day * HOURS, row.local_hour < (day + 1) * HOURS)
    counted = or_(row.verdict.is_(None), row.verdict.not_in(DISCOUNTED))
    conditions = (row.class_id == heard.class_id, *near, *on_day, counted, *_chosen_places(row, criteria))
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
    return select(*by, func.sum(row.detections)).where(*hours, *_channels(row, criteria), *_chosen(row, criteria))


def _days(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    days = [row.local_day >= day_number(criteria.first), row.local_day <= day_number(criteria.last)]
    return [*days, *_channels(row, criteria)]


def _channels(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    """All channels, of a table in their order: without, the database would read all of it."""
    is_needed = criteria.channels is None and row in (ChannelHourRow, DetectionDayRow)
    return [row.channel_id.in_(select(ChannelRow.id))] if is_needed else []


def _chosen(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    classes = [] if criteria.classes is None else [row.class_id.in_(list(criteria.classes))]
    others = [row.class_id.not_in(list(criteria.without_classes))] if criteria.without_classes else []
    return [*classes, *others, *_chosen_places(row, criteria)]


def _chosen_places(row: Any, criteria: CountCriteria) -> list[ColumnElement[bool]]:
    chosen = (("channel_id", criteria.channels), ("model_id", criteria.models))
    return [getattr(row, column).in_(list(numbers)) for column, numbers in chosen if numbers is not None]
