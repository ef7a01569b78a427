"""The last hours: what was heard per hour and class, by daylight, and when nothing could be heard."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import Field

from console.services.detection_models import DetectionSearch
from console.services.detections import criteria_of
from console.services.gaps import GapView
from console.services.known_classes import KnownClasses
from console.services.models import ConsoleModel
from tidzam.config.location import LocationSettings
from tidzam.daytime import DayPart, day_parts
from tidzam.gaps.records import ALL, Gap, Record
from tidzam.gaps.words import joined
from tidzam.naming import source_of
from tidzam.store.database import Store
from tidzam.store.local_time import HOURS, day_number, day_of, local_hour
from tidzam.store.queries.classes import classes
from tidzam.store.queries.counts import CountCriteria, counts_per_hour
from tidzam.store.queries.gaps import NodeLedger, gaps_between

DEFAULT_HOURS: Final = 24
MOST_HOURS: Final = 168
MOST_GAPS: Final = 200
"""Gaps that are named, the longest ones; of shorter ones, only the sum is."""
_SHORT_S: Final = 1.0


class RecentClass(ConsoleModel):
    """A class that was heard in the last hours."""

    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    counts: tuple[int, ...] = Field(description="Number of detections in each hour, without those judged wrong")


class Daylight(ConsoleModel):
    """A part of a day by the sun."""

    part: DayPart = Field(description="Night, dawn, day or dusk")
    start: datetime = Field(description="Its beginning, UTC")
    end: datetime = Field(description="Its end, UTC")


class RecentHours(ConsoleModel):
    """The last hours by the node's clock, the oldest first; the last one has not ended."""

    time: datetime = Field(description="When this was found out, UTC")
    hours: tuple[datetime, ...] = Field(description="Beginning of each hour, UTC")
    classes: tuple[RecentClass, ...] = Field(description="The classes heard, without silence, the most frequent first")
    daylight: tuple[Daylight, ...] = Field(
        description="Night, dawn, day and dusk of these hours and of the present day; none without the node's position"
    )
    gaps: tuple[GapView, ...] = Field(description="When channels could not be heard, in the order of time")
    short_gaps: int = Field(description="Number of further gaps, all shorter than a second")
    short_gaps_s: float = Field(description="Their total length in seconds")


class RecentQuery(ConsoleModel):
    """Which hours are wanted."""

    hours: int = Field(DEFAULT_HOURS, ge=1, le=MOST_HOURS, description="Number of hours, with the present one")
    model: str | None = Field(None, max_length=200, description="Name of a model, or `NAME@VERSION`; null for all")


def recent_hours(
    store: Store,
    wanted: RecentQuery,
    *,
    zone: ZoneInfo,
    now: datetime,
    ledger: NodeLedger,
    location: LocationSettings | None,
) -> RecentHours:
    """The last hours of the node of `ledger`, which holds the gaps that last."""
    last = local_hour(now, zone)
    first = last - wanted.hours + 1
    begin, end = hour_start(first, zone), hour_start(last + 1, zone)
    midnight = last - last % HOURS
    today, tomorrow = hour_start(midnight, zone), hour_start(midnight + HOURS, zone)
    lasting = [*_within(ledger.open_records(now), begin, now)]
    gaps = [*_recorded(store, begin, now, ledger.node), *lasting]
    reasons = {(gap.channel, gap.reason) for gap in lasting}
    long = [gap for gap in joined(gaps) if gap.seconds >= _SHORT_S]
    short = [gap for gap in joined(gaps) if gap.seconds < _SHORT_S]
    named = sorted(sorted(long, key=lambda gap: -gap.seconds)[:MOST_GAPS], key=lambda gap: gap.start)
    return RecentHours(
        time=now,
        hours=tuple(hour_start(hour, zone) for hour in range(first, last + 1)),
        classes=_classes(store, wanted.model, first, last, zone),
        daylight=() if location is None else tuple(daylight(min(begin, today), max(end, tomorrow), location)),
        gaps=tuple(GapView.of(gap, is_open=gap.end >= now and (gap.channel, gap.reason) in reasons) for gap in named),
        short_gaps=sum(gap.count for gap in short),
        short_gaps_s=round(sum(gap.seconds for gap in short), 3),
    )


def hour_start(hour: int, zone: ZoneInfo) -> datetime:
    """The beginning of an hour of the node's clock, as `local_hour` numbers them, in UTC."""
    day = day_of(hour // HOURS)
    return datetime(day.year, day.month, day.day, hour % HOURS, tzinfo=zone).astimezone(UTC)


def hours_since(time: datetime, first: int, zone: ZoneInfo) -> float:
    """The hours by the clock of `zone` from the beginning of the hour `first` to a time."""
    there = time.astimezone(zone)
    return HOURS * day_number(there.date()) + there.hour - first + there.minute / 60 + there.second / 3600


def daylight(start: datetime, end: datetime, location: LocationSettings) -> Iterator[Daylight]:
    """The parts of the day in a period."""
    for one in day_parts(start, end, location):
        yield Daylight(part=one.part, start=one.start, end=one.end)


def _classes(store: Store, model: str | None, first: int, last: int, zone: ZoneInfo) -> tuple[RecentClass, ...]:
    with store.read() as session:
        paths = {one.id: one.path for one in classes(session)}
        wanted = DetectionSearch(model=() if model is None else (model,))
        chosen = criteria_of(session, wanted, zone, KnownClasses())
        days = (day_of(hour // HOURS) for hour in (first, last))
        criteria = CountCriteria(
            first=next(days), last=next(days), models=chosen.models, without_classes=chosen.without_classes
        )
        counts: dict[int, list[int]] = defaultdict(lambda: [0] * (last - first + 1))
        for one in counts_per_hour(session, criteria):
            number = HOURS * day_number(one.day) + one.hour - first
            if 0 <= number <= last - first:
                counts[one.class_id][number] += one.detections
    found = sorted(counts.items(), key=lambda item: (-sum(item[1]), paths[item[0]]))
    return tuple(RecentClass(path=paths[number], counts=tuple(hours)) for number, hours in found)


def _recorded(store: Store, begin: datetime, now: datetime, node: str) -> Iterator[Gap]:
    """The gaps that the store knows, as far as they lie in the period, without holes in what a replay plays."""
    with store.read() as session:
        found = gaps_between(session, begin, now, node=node)
    return _within((one.gap for one in found), begin, now)


def _within(records: Iterable[Record], begin: datetime, now: datetime) -> Iterator[Gap]:
    """The gaps in a period, cut to it."""
    for gap in records:
        start, end = max(gap.start, begin), min(gap.end, now)
        if isinstance(gap, Gap) and not gap.is_past and start < end:
            yield replace(gap, start=start, end=end)


def order_of(channel: str) -> tuple[int, str, str]:
    """The order of channels in a list of gaps: the node, its sources, and their channels."""
    return (0 if channel == ALL else 1, source_of(channel), channel)
