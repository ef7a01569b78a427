"""The time that was heard of each channel on a day: when it was loaded, less its gaps. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from tidzam.gaps.intervals import Interval, difference, intersection, length, union
from tidzam.gaps.records import Gap, GapReason, Loaded, Record
from tidzam.naming import port_name

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_S: Final = 1_000_000
_Span = tuple[datetime, datetime]


@dataclass(frozen=True)
class Heard:
    """A channel on one day: for how long it was loaded, for how long it was heard, and why the rest is missing.

    `channel` is a JACK port, or a source whose channels are not known. The values of `missing_s` and `heard_s` add up
    to `loaded_s`: overlapping gaps are counted once, for the first of their reasons in GapReason.
    """

    channel: str
    day: date
    loaded_s: float
    heard_s: float
    missing_s: Mapping[GapReason, float]


def heard(day: date, records: Iterable[Record], *, zone: tzinfo = UTC) -> tuple[Heard, ...]:
    """What `records` say about `day` by the clock of `zone`, per channel in the order of their names."""
    records, span = tuple(records), day_span(day, zone)
    loaded = [record for record in records if isinstance(record, Loaded) and _of_day(record, span)]
    gaps = [record for record in records if isinstance(record, Gap) and not record.is_past and _of_day(record, span)]
    sources: dict[str, list[Loaded]] = {}
    for one in loaded:
        sources.setdefault(one.source, []).append(one)
    return tuple(
        _channel(channel, (day, span), intervals, gaps)
        for _, of_source in sorted(sources.items())
        for channel, intervals in _channels(of_source, span).items()
    )


def day_span(day: date, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """When a day begins and ends by the clock of `zone`, in UTC."""
    after = day + timedelta(days=1)
    begin, end = (datetime(one.year, one.month, one.day, tzinfo=zone).astimezone(UTC) for one in (day, after))
    return begin, end


def _channels(loaded: Sequence[Loaded], span: _Span) -> dict[str, list[Interval]]:
    """When each channel of a source was loaded. While their number was not known, all that are known count."""
    source, most = loaded[0].source, max(one.channels for one in loaded)
    if not most:
        return {source: union(filter(None, (_of_day(one, span) for one in loaded)))}
    return {
        port_name(source, channel): union(
            interval
            for one in loaded
            if (one.channels > channel or not one.channels) and (interval := _of_day(one, span))
        )
        for channel in range(most)
    }


def _channel(channel: str, of: tuple[date, _Span], loaded: Sequence[Interval], gaps: Sequence[Gap]) -> Heard:
    left, missing_s = list(loaded), {}
    day, span = of
    own = [gap for gap in gaps if gap.concerns(channel)]
    for reason in GapReason:
        lost = union(interval for gap in own if gap.reason is reason and (interval := _of_day(gap, span)))
        missing = length(intersection(left, lost))
        if missing:
            missing_s[reason] = missing / _S
            left = difference(left, lost)
    return Heard(channel, day, length(loaded) / _S, length(left) / _S, missing_s)


def _of_day(record: Record, span: _Span) -> Interval | None:
    """The part of a record within `span`, in microseconds since 1970; None if there is none."""
    start, end = max(record.start, span[0]), min(record.end, span[1])
    return (_microseconds(start), _microseconds(end)) if start < end else None


def _microseconds(time: datetime) -> int:
    return (time - _EPOCH) // _MICROSECOND
