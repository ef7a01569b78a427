"""For how long channels were listened to in each hour of each day: when they were loaded, less their gaps. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

import numpy as np

from tidzam.gaps.intervals import Interval, difference, union
from tidzam.gaps.records import ALL, Gap, Loaded
from tidzam.naming import port_name
from tidzam.time_models.circular import Float64

HOURS: Final = 24
_STEP: Final = timedelta(minutes=15)
"""All clocks differ from UTC by a multiple of it."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def listened_hours(loaded: Iterable[Loaded], gaps: Iterable[Gap], days: Sequence[date], zone: tzinfo) -> Float64:
    """The hours listened of all channels of a node together in each hour of `days`, which follow one another by the
    clock of `zone`. Shape (days, 24); 2.0 if two channels were heard for all of an hour."""
    result: Float64 = np.zeros((len(days), HOURS))
    edges, places = _steps(days, zone)
    for intervals in _heard(loaded, gaps):
        seconds = _covered(intervals, edges)
        np.add.at(result, places, seconds / 3600)
    return result


def _heard(loaded: Iterable[Loaded], gaps: Iterable[Gap]) -> Iterable[list[Interval]]:
    """The intervals in which each channel was heard."""
    sources: dict[str, list[Loaded]] = defaultdict(list)
    for one in loaded:
        sources[one.source].append(one)
    missing = _missing(gaps)
    for source, records in sources.items():
        lost = union([*missing.get(ALL, ()), *missing.get(source, ())])
        for channel in range(max(1, *(one.channels for one in records))):
            known = (one for one in records if one.channels > channel or not one.channels)
            own = missing.get(port_name(source, channel), ())
            whole = union(_interval(one) for one in known)
            yield difference(whole, union([*lost, *own]) if own else lost)


def _missing(gaps: Iterable[Gap]) -> Mapping[str, list[Interval]]:
    """The gaps of each channel, of each source, and of all."""
    missing: dict[str, list[Interval]] = defaultdict(list)
    for gap in gaps:
        if not gap.is_past:
            missing[gap.channel].append(_interval(gap))
    return missing


def _interval(record: Loaded | Gap) -> Interval:
    return (record.start - _EPOCH) // _MICROSECOND, (record.end - _EPOCH) // _MICROSECOND


def _steps(days: Sequence[date], zone: tzinfo) -> tuple[Float64, tuple[np.ndarray, np.ndarray]]:
    """The edges of quarters of an hour in seconds since 1970, and the day and the hour that each quarter belongs to."""
    first, last = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (days[0], days[-1]))
    begin, end = first.astimezone(UTC), (last + timedelta(days=1)).astimezone(UTC)
    moments = [begin + number * _STEP for number in range((end - begin) // _STEP)]
    local = [moment.astimezone(zone) for moment in moments]
    of_day = np.array([(one.date() - days[0]).days for one in local], dtype=np.intp)
    of_hour = np.array([one.hour for one in local], dtype=np.intp)
    edges = np.array([moment.timestamp() for moment in [*moments, end]])
    return edges, (of_day, of_hour)


def _covered(intervals: Sequence[Interval], edges: Float64) -> Float64:
    """The seconds between one edge and the next that a union of intervals covers."""
    if not intervals:
        return np.zeros(len(edges) - 1)
    bounds = np.array(intervals, dtype=np.float64) / 1e6
    lengths = np.cumsum(bounds[:, 1] - bounds[:, 0])
    times = bounds.ravel()
    until = np.column_stack([lengths - (bounds[:, 1] - bounds[:, 0]), lengths]).ravel()
    return np.diff(np.interp(edges, times, until))
