"""Times of day: night, dawn, day and dusk by the position of the sun, and intervals of the clock."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from astral import Observer
from astral.sun import elevation

_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-3]):([0-5]\d)")
_SOON: Final = timedelta(minutes=1)
_STEP: Final = timedelta(minutes=10)


class DayPart(StrEnum):
    """A part of the day by the elevation of the sun."""

    NIGHT = "night"
    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"


@dataclass(frozen=True)
class ClockInterval:
    """From `start` up to `end`, exclusive, by the clock; over midnight if `end` is not later than `start`."""

    start: time
    end: time

    def __contains__(self, moment: time) -> bool:
        if self.start < self.end:
            return self.start <= moment < self.end
        return moment >= self.start or moment < self.end


TimeOfDay = DayPart | ClockInterval


def parse_time_of_day(text: str) -> TimeOfDay:
    """Parse `night`, `dawn`, `day`, `dusk` or `HH:MM-HH:MM`. Raises ValueError.

    >>> parse_time_of_day("21:30-04:00")
    ClockInterval(start=datetime.time(21, 30), end=datetime.time(4, 0))
    """
    if text in set(DayPart):
        return DayPart(text)
    if found := _CLOCK.fullmatch(text):
        hour, minute, end_hour, end_minute = map(int, found.groups())
        return ClockInterval(time(hour, minute), time(end_hour, end_minute))
    raise ValueError(f"it is not a time of day; expected {', '.join(DayPart)} or for example 21:30-04:00")


class Place(Protocol):
    """A position in degrees, its time zone, and up to which elevation of the sun it is dawn or dusk, in degrees."""

    def __hash__(self) -> int: ...
    @property
    def latitude(self) -> float: ...
    @property
    def longitude(self) -> float: ...
    @property
    def time_zone(self) -> str: ...
    @property
    def twilight_deg(self) -> float: ...


def is_any_of(moment: datetime, times: Iterable[TimeOfDay], place: Place | None) -> bool:
    """Whether a moment (with a time zone) lies in one of `times`.

    Without a place, the clock is UTC. Raises ValueError if the sun is to decide and there is no place.
    """
    return any(_is(moment, one, place) for one in times)


def _is(moment: datetime, one: TimeOfDay, place: Place | None) -> bool:
    if isinstance(one, ClockInterval):
        return moment.astimezone(ZoneInfo(place.time_zone) if place else UTC).time() in one
    if place is None:
        raise ValueError(f"{one} depends on the position, which is not known")
    return day_part(moment, place) is one


def day_part(moment: datetime, place: Place) -> DayPart:
    """The part of the day at a moment (with a time zone), exact to a minute.

    Dawn is while the sun rises between `twilight_deg` below and above the horizon, dusk while it sets. The definition
    holds at every latitude: where the sun does not rise, there may be dawn and dusk, or only night.
    """
    return _day_part(moment.astimezone(UTC).replace(second=0, microsecond=0), place)


@lru_cache(maxsize=4096)
def _day_part(minute: datetime, place: Place) -> DayPart:
    now_deg = _elevation_deg(minute, place)
    if abs(now_deg) <= place.twilight_deg:
        return DayPart.DAWN if _elevation_deg(minute + _SOON, place) > now_deg else DayPart.DUSK
    return DayPart.DAY if now_deg > 0 else DayPart.NIGHT


@dataclass(frozen=True)
class DayPartInterval:
    """A part of the day from `start` up to `end`, in UTC."""

    part: DayPart
    start: datetime
    end: datetime


@lru_cache(maxsize=256)
def day_parts(start: datetime, end: datetime, place: Place) -> tuple[DayPartInterval, ...]:
    """The parts of the day from `start` up to `end` (with a time zone), in their order, exact to a minute.

    A part that lasts less than ten minutes may be missed.
    """
    begin, stop = start.astimezone(UTC), end.astimezone(UTC)
    turns, moment = [begin], begin
    while moment < stop:
        following = min(moment + _STEP, stop)
        if day_part(moment, place) is not day_part(following, place):
            turns.append(_turn(moment, following, place))
        moment = following
    ends = [*turns[1:], stop]
    return tuple(
        DayPartInterval(day_part(one, place), one, other) for one, other in zip(turns, ends, strict=True) if one < other
    )


def _turn(before: datetime, after: datetime, place: Place) -> datetime:
    """The first minute of the part in which `after` is; `before` is in another one."""
    part = day_part(after, place)
    while after - before > _SOON:
        middle = before + (after - before) / 2
        before, after = (before, middle) if day_part(middle, place) is part else (middle, after)
    return after.replace(second=0, microsecond=0)


def _elevation_deg(moment: datetime, place: Place) -> float:
    """The geometric elevation of the sun's center in degrees."""
    return float(elevation(Observer(place.latitude, place.longitude), moment, with_refraction=False))
