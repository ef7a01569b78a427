"""How much was recorded per day, from the rows of recordings alone: fast for years of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, case, func, select, type_coerce
from sqlalchemy.orm import Session

from tidzam.recorded_sound.sections import SECTION_S
from tidzam.store.local_time import day_of
from tidzam.store.tables.recordings import RecordingRow

_DAY_US: Final = 86_400_000_000
_SECTION_US: Final = SECTION_S * 1_000_000
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class RecordedDay:
    """What was recorded on a day of a clock: sections that begin on it, and how long it is together."""

    day: date
    sections: int
    recorded_s: float


def recorded_days(session: Session, sources: Collection[int], channel: int, zone: ZoneInfo) -> list[RecordedDay]:
    """The days of `zone` on which a channel, counted from 0, of sources was recorded, in their order."""
    row = RecordingRow
    mine = (row.source_id.in_(sources), row.channels > channel)
    ends = [  # each is the first in an index; both at once would be found among all
        session.scalar(select(row.start).where(row.source_id == source, *mine).order_by(place).limit(1))
        for source in sources
        for place in (row.start.asc(), row.start.desc())
    ]
    known = [start for start in ends if start is not None]
    found = defaultdict[int, list[int]](lambda: [0, 0])
    if known:
        for begin, end, offset_us in _offsets(min(known), max(known) + _MINUTE, zone):
            _count(session, found, offset_us, (*mine, row.start >= begin, row.start < end))
    ordered = sorted(found.items())
    return [RecordedDay(day_of(day), sections, us / 1_000_000) for day, (sections, us) in ordered if sections]


def _count(
    session: Session, found: defaultdict[int, list[int]], offset_us: int, conditions: Collection[ColumnElement[bool]]
) -> None:
    """Add the recordings of a time in which the clock is `offset_us` ahead of UTC."""
    begin, end = (type_coerce(column, BigInteger) for column in (RecordingRow.start, RecordingRow.end))
    day, length = (begin + offset_us) // _DAY_US, end - begin
    sections = (length + (_SECTION_US - 1)) // _SECTION_US
    # One that goes on after midnight is a group of its own.
    across = case((day != (end - 1 + offset_us) // _DAY_US, begin), else_=None)
    query = select(day.label("day"), across.label("across"), func.sum(sections), func.sum(length)).where(*conditions)
    for number, begin_us, count, length_us in session.execute(query.group_by("day", "across")):
        found[number][0] += int(count)
        found[number][1] += int(length_us)
        if begin_us is not None:
            _split(found, begin_us + offset_us, begin_us + int(length_us) + offset_us)


def _split(found: defaultdict[int, list[int]], first_us: int, last_us: int) -> None:
    """Move what lies after midnight from the day on which a recording begins to the next one."""
    day = first_us // _DAY_US
    midnight_us = (day + 1) * _DAY_US
    after_us = last_us - midnight_us
    sections = -(-(last_us - first_us) // _SECTION_US) - -(-(midnight_us - first_us) // _SECTION_US)
    for number, sign in ((day, -1), (day + 1, 1)):
        found[number][0] += sign * sections
        found[number][1] += sign * after_us


def _offsets(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime, int]]:
    """The parts of a time in which the clock of `zone` is as far ahead of UTC, and how far in microseconds."""
    begin = first
    while begin < last:
        end = begin
        while end < last and _offset(end, zone) == _offset(begin, zone):
            end += timedelta(days=1)
        end = min(_changed(end, begin, zone), last)
        yield begin, end, _offset(begin, zone) // timedelta(microseconds=1)
        begin = end


def _changed(end: datetime, begin: datetime, zone: ZoneInfo) -> datetime:
    """The second in the day before `end` from which on the clock differs from that at `begin`; `end` if it does not."""
    if _offset(end, zone) == _offset(begin, zone):
        return end
    same, other = max(begin, end - timedelta(days=1)), end
    while other - same > timedelta(seconds=1):
        middle = same + (other - same) / 2
        same, other = (middle, other) if _offset(middle, zone) == _offset(begin, zone) else (same, middle)
    return other.replace(microsecond=0)


def _offset(time: datetime, zone: ZoneInfo) -> timedelta:
    return time.astimezone(zone).utcoffset() or timedelta()
