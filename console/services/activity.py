"""When in the day and in the year classes occur, and the time models that analyzers use as a prior."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import Field

from console.accounts.visitor import Visitor
from console.services.detection_models import EARLIEST, LATEST
from console.services.models import ConsoleModel
from console.services.turns import Turns
from tidzam.accounts.audit import AuditAction, record
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.labels import is_no_sound
from tidzam.store.database import Store
from tidzam.store.queries.class_times import ClassTimes, class_times, tag_times
from tidzam.store.queries.gaps import NodeLedger
from tidzam.time_models.curves import RateCurve, TimeModeler, is_enough
from tidzam.time_models.fit import fit_time_models
from tidzam.time_models.prior_file import read_time_models, write_time_models

DEFAULT_DAYS: Final = 365
MOST_DAYS: Final = 3660
_DIGITS: Final = 5
_Day = Annotated[date, Field(ge=EARLIEST, le=LATEST)]


class ActivityData(StrEnum):
    """What the curves are of."""

    DETECTIONS = "detections"
    ANNOTATIONS = "annotations"


class ActivityQuery(ConsoleModel):
    """What is shown of which days."""

    data: ActivityData = Field(
        ActivityData.DETECTIONS, description="Detections, without those judged wrong, or the annotations of people"
    )
    first_day: _Day | None = Field(None, description="First day by the node's clock; null for a year before the last")
    last_day: _Day | None = Field(None, description="Last day, included; null for today")
    silence: bool = Field(
        False, description="Whether classes of no sound in particular, `silence` and `background`, are included"
    )
    limit: int = Field(60, ge=1, le=500, description="Maximum number of classes, the most frequent ones")


_QUERIES: Final = {ActivityData.DETECTIONS: class_times, ActivityData.ANNOTATIONS: tag_times}


class CurveView(ConsoleModel):
    """A rate around the day or the year, per hour listened; null where nobody listened, everywhere for want of an hour.

    The values are those of equal parts, from midnight or from 1 January on.
    """

    rate: tuple[float | None, ...] = Field(description="The rate")
    low: tuple[float | None, ...] = Field(description="Lower end of the band with 90 % confidence")
    high: tuple[float | None, ...] = Field(description="Upper end of that band")
    peak: float | None = Field(description="Where the rate is greatest, as a part of the day or year; null if nowhere")
    concentration: float = Field(description="Concentration of the von Mises kernel; the greater, the narrower")


class ClassActivity(ConsoleModel):
    """When a class or a tag occurs."""

    path: tuple[str, ...] = Field(description="Labels from the root to the class; the tag, of annotations")
    count: int = Field(description="Number of detections without those judged wrong, or of annotations")
    day: CurveView = Field(description="The rate over the day, per quarter of an hour")
    year: CurveView = Field(description="The rate over the year, in parts of five days")


class ActivityView(ConsoleModel):
    """When classes occur, the most frequent ones first."""

    first_day: date = Field(description="First day by the node's clock")
    last_day: date = Field(description="Last day")
    listened_h: float = Field(description="Hours listened, of all channels together")
    has_rates: bool = Field(description="Whether that is enough for rates: an hour")
    assumed_days: int = Field(description="Days on which something was heard, but of which it is not recorded when")
    classes: tuple[ClassActivity, ...] = Field(description="The classes")
    others: int = Field(description="Number of further classes, which were heard less often")


class PriorView(ConsoleModel):
    """The time models that analyzers use as a prior."""

    is_enabled: bool = Field(description="Whether the profile lets the analyzer use them")
    fitted: datetime | None = Field(description="When they were made, UTC; null if there are none")
    first_day: date | None = Field(description="First day that they were learned from; null if there are none")
    last_day: date | None = Field(description="Last day; null if there are none")
    classes: tuple[str, ...] = Field(description="Paths of the classes that have one")


def activity(store: Store, wanted: ActivityQuery, zone: ZoneInfo, *, ledger: NodeLedger, now: datetime) -> ActivityView:
    """When classes occur. It is found out again after some minutes. Raises RequestError (`request`, `busy`)."""
    first, last = _days(wanted, now.astimezone(zone).date())
    key = store.address, str(store.engine.url), zone.key, first, last, wanted.data, wanted.silence, wanted.limit
    return _CACHE.get_or_make(key, now, lambda: _found(store, wanted, (first, last), zone, ledger, now))


def prior(settings: Settings) -> PriorView:
    """The time models of the node. Raises ConfigError (`time_models`)."""
    models = read_time_models(settings.home)
    is_enabled = settings.analyzer.decision.prior.enabled
    if models is None:
        return PriorView(is_enabled=is_enabled, fitted=None, first_day=None, last_day=None, classes=())
    return PriorView(
        is_enabled=is_enabled,
        fitted=models.fitted,
        first_day=models.first_day,
        last_day=models.last_day,
        classes=tuple(models.classes),
    )


def fit_prior(
    store: Store,
    settings: Settings,
    visitor: Visitor,
    wanted: ActivityQuery,
    zone: ZoneInfo,
    *,
    ledger: NodeLedger,
    now: datetime,
) -> PriorView:
    """Make the time models from these days, for the analyzer of this node.

    Raises RequestError (`request`, `busy`).
    """
    first, last = _days(wanted, now.astimezone(zone).date())
    with _TURNS.one():
        with store.read() as session:
            found = _QUERIES[wanted.data](session, first, last, zone, ledger=ledger, now=now)
        counts = found.with_descendants()
        models = fit_time_models(found.days, found.exposure_h, counts, time_zone=zone.key, now=now)
    with store.write() as session:
        subject = f"{first} to {last}"
        detail = {"data": wanted.data.value, "classes": str(len(models.classes))}
        record(session, visitor.actor, AuditAction.TIME_MODELS_MADE, subject, now=now, **detail)
        session.flush()
        write_time_models(settings.home, models)
    return prior(settings)


def _days(wanted: ActivityQuery, today: date) -> tuple[date, date]:
    last = wanted.last_day or today
    first = wanted.first_day or max(EARLIEST, last - timedelta(days=DEFAULT_DAYS - 1))
    if not 0 <= (last - first).days < MOST_DAYS:
        message = f"first_day: expected a day up to {MOST_DAYS} days before the last one, {last}."
        raise RequestError(message, code="request", field="first_day")
    return first, last


def _found(
    store: Store, wanted: ActivityQuery, days: tuple[date, date], zone: ZoneInfo, ledger: NodeLedger, now: datetime
) -> ActivityView:
    first, last = days
    with store.read() as session:
        times = _QUERIES[wanted.data](session, first, last, zone, ledger=ledger, now=now)
    shown = (path for path in times.counts if wanted.silence or not is_no_sound(path))
    totals = {path: int(times.counts[path].sum()) for path in shown}
    heard = sorted((path for path, total in totals.items() if total), key=lambda path: (-totals[path], path))
    return ActivityView(
        first_day=first,
        last_day=last,
        listened_h=round(float(times.exposure_h.sum()), 2),
        has_rates=is_enough(times.exposure_h),
        assumed_days=times.assumed_days,
        classes=_classes(times, heard[: wanted.limit]),
        others=len(heard[wanted.limit :]),
    )


def _classes(times: ClassTimes, paths: list[tuple[str, ...]]) -> tuple[ClassActivity, ...]:
    modeler = TimeModeler(times.days, times.exposure_h)
    models = ((path, modeler.model(times.counts[path])) for path in paths)
    return tuple(
        ClassActivity(path=path, count=model.count, day=_curve(model.day), year=_curve(model.year))
        for path, model in models
    )


def _curve(curve: RateCurve) -> CurveView:
    rate, low, high = (
        tuple(None if np.isnan(value) else round(float(value), _DIGITS) for value in values)
        for values in (curve.rate, curve.low, curve.high)
    )
    return CurveView(rate=rate, low=low, high=high, peak=curve.peak, concentration=round(curve.concentration, 3))


class ActivityCache:
    """The last results, for some minutes: a year of many classes takes seconds. They are made in `turns`."""

    def __init__(self, *, keep: timedelta, size: int, turns: Turns) -> None:
        self._keep, self._size, self._turns = keep, size, turns
        self._made: OrderedDict[object, tuple[datetime, ActivityView]] = OrderedDict()
        self._lock = threading.Lock()

    def get_or_make(self, key: object, now: datetime, make: Callable[[], ActivityView]) -> ActivityView:
        """What was made for a key, made again after a while. Raises BusyError."""
        known = self._known(key, now)
        if known is not None:
            return known
        with self._turns.one():
            known = self._known(key, now)  # it may have been made meanwhile
            if known is not None:
                return known
            made = make()
            with self._lock:
                self._made[key] = now, made
                while len(self._made) > self._size:
                    self._made.popitem(last=False)
            return made

    def _known(self, key: object, now: datetime) -> ActivityView | None:
        with self._lock:
            known = self._made.get(key)
        return known[1] if known is not None and timedelta(0) <= now - known[0] < self._keep else None


_TURNS: Final = Turns(1)
_CACHE: Final = ActivityCache(keep=timedelta(minutes=2), size=16, turns=_TURNS)
