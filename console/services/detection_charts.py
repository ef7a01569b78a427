"""Counts of detections per day, hour and class."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from console.services.detection_models import EARLIEST, LATEST, STORED, CountFilter, DetectionSearch, VerdictName
from console.services.detections import criteria_of, midnight
from console.services.known_classes import KnownClasses
from console.services.models import ConsoleModel
from tidzam.store.database import Store
from tidzam.store.queries.classes import classes
from tidzam.store.queries.counts import CountCriteria, counts_per_day, heard_classes, heat_map
from tidzam.store.queries.detections import DetectionCriteria
from tidzam.store.queries.filtered_counts import filtered_counts_per_day, filtered_heat_map
from tidzam.store.queries.verdicts import verdicts_per_class
from tidzam.store.tables.detections import DetectionVerdict


class DayClassCount(ConsoleModel):
    """The detections of a class on a day."""

    day: date = Field(description="Day by the node's clock")
    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    detections: int = Field(description="Number of detections, without those judged wrong")


class HourCountView(ConsoleModel):
    """The detections in an hour of a day."""

    day: date = Field(description="Day by the node's clock")
    hour: int = Field(description="Hour by the node's clock, 0 to 23")
    detections: int = Field(description="Number of detections, without those judged wrong")


class HeardClassView(ConsoleModel):
    """A class that was heard."""

    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    detections: int = Field(description="Number of detections that are wanted, without those judged wrong")
    first: datetime = Field(description="Beginning of the first detection in the period, UTC")
    last: datetime = Field(description="Beginning of the last detection in the period, UTC")
    days: Mapping[date, int] = Field(description="Number of detections by day; days without are left out")
    verdicts: Mapping[VerdictName, int] = Field(description="Number of detections by their verdict")

    @property
    def judged(self) -> int:
        """The number of detections with a verdict other than unsure."""
        return sum(count for verdict, count in self.verdicts.items() if verdict is not VerdictName.UNSURE)

    @property
    def right(self) -> int:
        """The number of those that are right."""
        return self.verdicts.get(VerdictName.RIGHT, 0)

    @property
    def wrong(self) -> int:
        """The number of those that are wrong, or of another class."""
        return self.judged - self.right

    @property
    def right_share(self) -> float | None:
        """The share of them that is right, 0 to 1; None if there are none."""
        return self.right / self.judged if self.judged else None


def day_counts(
    store: Store, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses, *, step_days: int = 1
) -> tuple[DayClassCount, ...]:
    """The detections per day and class, in the order of days.

    Counts of `step_days` days are added, by the first of them, unless detections are counted one by one (`needs_rows`).
    """
    with store.read() as session:
        paths = {one.id: one.path for one in classes(session)}
        criteria = criteria_of(session, wanted, zone, known)
        if wanted.needs_rows:
            found = filtered_counts_per_day(session, criteria)
        else:
            found = counts_per_day(session, _count_criteria(wanted, criteria, step_days))
    return tuple(DayClassCount(day=one.day, path=paths[one.class_id], detections=one.detections) for one in found)


def hour_counts(
    store: Store, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses, *, step_days: int = 1
) -> tuple[HourCountView, ...]:
    """The detections per hour, in the order of time, with `step_days` as in `day_counts`."""
    with store.read() as session:
        criteria = criteria_of(session, wanted, zone, known)
        if wanted.needs_rows:
            found = filtered_heat_map(session, criteria)
        else:
            found = heat_map(session, _count_criteria(wanted, criteria, step_days))
    return tuple(HourCountView(**one._asdict()) for one in found)


def heard(
    store: Store, wanted: CountFilter, zone: ZoneInfo, known: KnownClasses, *, step_days: int = 1
) -> tuple[HeardClassView, ...]:
    """The classes that were heard, the most frequent first. Their `days` are the first of so many days each."""
    of_class = DetectionSearch.model_validate(wanted.model_dump(by_alias=True, include={*CountFilter.model_fields}))
    with store.read() as session:
        criteria = _count_criteria(wanted, criteria_of(session, of_class, zone, known), step_days)
        found = heard_classes(session, criteria)
        until = midnight(criteria.last + timedelta(days=1), zone)
        verdicts = verdicts_per_class(session, since=midnight(criteria.first, zone), until=until)
    return tuple(
        HeardClassView(
            path=one.path,
            detections=one.detections,
            first=one.first,
            last=one.last,
            days=one.days,
            verdicts=_by_name(verdicts.get(one.class_id, {})),
        )
        for one in found
    )


def _count_criteria(wanted: CountFilter, criteria: DetectionCriteria, step_days: int) -> CountCriteria:
    return CountCriteria(
        first=wanted.first_day or EARLIEST,
        last=wanted.last_day or LATEST,
        step_days=step_days,
        classes=criteria.classes,
        without_classes=criteria.without_classes,
        channels=criteria.channels,
        models=criteria.models,
    )


def _by_name(counts: Mapping[DetectionVerdict, int]) -> dict[VerdictName, int]:
    return {verdict: counts[stored] for verdict, stored in STORED.items() if stored in counts}
