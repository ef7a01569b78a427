"""Finding detections."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from console.services.detection_models import (
    SHOWN,
    STORED,
    CountFilter,
    DetectionDetail,
    DetectionList,
    DetectionSearch,
    DetectionView,
    FilterChoices,
    ModelChoice,
    VerdictFilter,
    VerdictName,
    VerdictView,
)
from console.services.known_classes import KnownClasses
from console.services.rarity import rarity_of
from tidzam.errors import RequestError
from tidzam.labels import is_no_sound
from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR
from tidzam.store.queries.classes import StoredClass, channels, classes, classes_below, models
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.detections import (
    DetectionCriteria,
    StoredDetection,
    detections_by_id,
    latest_detections,
)
from tidzam.store.queries.previous import previous_starts
from tidzam.store.queries.verdicts import StoredVerdict, other_classes, verdicts_on
from tidzam.store.tables.detections import DetectionVerdict
from tidzam.taxa import GROUPS

LONGEST_DETECTION: Final = timedelta(hours=1)
"""Detections that are longer are found by their beginning only."""


def criteria_of(session: Session, wanted: DetectionSearch, zone: ZoneInfo, known: KnownClasses) -> DetectionCriteria:
    """What a filter means. Names that are not known are names of nothing."""
    stored = classes(session)
    first, last = wanted.first_day, wanted.last_day
    return DetectionCriteria(
        since=None if first is None else midnight(first, zone),
        until=None if last is None else midnight(last + timedelta(days=1), zone),
        classes=_numbers(wanted.classes, lambda path: _classes(session, stored, path, known)),
        without_classes=_hidden(stored, wanted),
        channels=_numbers(wanted.channel, lambda name: [one.id for one in channels(session) if one.channel == name]),
        models=_numbers(wanted.model, lambda name: _models(session, name)),
        min_probability=wanted.min_probability,
        max_probability=wanted.max_probability,
        min_duration_s=wanted.min_duration_s,
        day_parts=wanted.day_part or None,
        verdicts=[*map(_verdict, wanted.verdict)] or None,
        is_marked=wanted.starred,
    )


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The beginning of a day in `zone`, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _numbers(names: Sequence[str], find: Callable[[str], Sequence[int]]) -> set[int] | None:
    return {number for name in names for number in find(name)} if names else None


def _classes(session: Session, stored: Sequence[StoredClass], wanted: str, known: KnownClasses) -> list[int]:
    """A class and all that belong to it; of a group, such as birds, also the species that models have beside others."""
    species = [one.id for one in stored if known.group(one.path) == wanted] if wanted in GROUPS else []
    return [*classes_below(session, wanted.split(SEPARATOR)), *species]


def _hidden(stored: Sequence[StoredClass], wanted: CountFilter) -> set[int]:
    """The classes of no sound, unless they, or other classes, are asked for."""
    if wanted.silence or wanted.classes:
        return set()
    return {one.id for one in stored if is_no_sound(one.path)}


def _models(session: Session, text: str) -> list[int]:
    name, at, version = text.partition("@")
    return [one.id for one in models(session) if one.name == name and (not at or one.version == version)]


def _verdict(wanted: VerdictFilter) -> DetectionVerdict | None:
    return None if wanted is VerdictFilter.NONE else STORED[VerdictName(wanted.value)]


def list_detections(
    store: Store,
    wanted: DetectionSearch,
    zone: ZoneInfo,
    known: KnownClasses,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    before: str | None = None,
    limit: int = 50,
) -> DetectionList:
    """The newest detections that are wanted, or the next page of them. Raises RequestError (`request`).

    With `since` and `until`, only those that reach into this period.
    """
    try:
        cursor = None if before is None else TimeCursor.parse(before)
    except ValueError:
        hint = "Send the `next` of the page before."
        raise RequestError("before: it is no page.", hint=hint, code="request", field="before") from None
    with store.read() as session:
        criteria = _within(criteria_of(session, wanted, zone, known), since, until)
        page = latest_detections(session, criteria, limit=limit, before=cursor)
        found = views_of(session, page.detections, zone)
    return DetectionList(detections=found, next=None if page.next is None else str(page.next))


def _within(criteria: DetectionCriteria, since: datetime | None, until: datetime | None) -> DetectionCriteria:
    """Only what reaches into a period, too."""
    if since is not None:
        begins = since - LONGEST_DETECTION
        criteria = replace(criteria, since=max(criteria.since or begins, begins), ends_after=since)
    if until is not None:
        criteria = replace(criteria, until=min(criteria.until or until, until))
    return criteria


def views_of(session: Session, stored: Sequence[StoredDetection], zone: ZoneInfo) -> tuple[DetectionView, ...]:
    """Detections as people see them."""
    judged = [one.id for one in stored if one.verdict is DetectionVerdict.OTHER_CLASS]
    others = other_classes(session, judged) if judged else {}
    counted = [one for one in stored if one.verdict is None or one.verdict.counts]
    previous = previous_starts(session, [one.id for one in counted])
    news = {one.id: rarity_of(one.start, previous.get(one.id), zone) for one in counted}
    return tuple(DetectionView.of(one, others.get(one.id), news.get(one.id)) for one in stored)


def find_detection(store: Store, number: int, zone: ZoneInfo) -> DetectionDetail:
    """A detection with all verdicts on it. Raises RequestError (`not_found`)."""
    with store.read() as session:
        found = views_of(session, detections_by_id(session, [number]), zone)
        verdicts = tuple(map(_verdict_view, verdicts_on(session, number)))
    if not found:
        raise RequestError("There is no such detection.", hint="It may have been removed.", code="not_found")
    return DetectionDetail(**dict(found[0]), verdicts=verdicts)


def _verdict_view(stored: StoredVerdict) -> VerdictView:
    return VerdictView(
        time=stored.time, author=stored.author, verdict=SHOWN[stored.verdict], other_class=stored.other_path
    )


def filter_choices(store: Store, known: KnownClasses) -> FilterChoices:
    """The classes, channels and models that the store knows."""
    with store.read() as session:
        paths = [one.path for one in classes(session)]
        groups = {known.group(path) for path in paths}
        return FilterChoices(
            groups=tuple(group for group in GROUPS if group in groups),
            classes=tuple(map(SEPARATOR.join, paths)),
            channels=tuple(sorted({one.channel for one in channels(session)})),
            models=tuple(ModelChoice(name=one.name, version=one.version) for one in models(session)),
        )
