"""How much was recorded per day of a clock, in both kinds of store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from tests.support.store import store as store
from tests.support.store import store_settings as store_settings
from tidzam.recorded_sound.sections import SECTION_S, section_count
from tidzam.store.database import Store
from tidzam.store.queries.recorded_days import RecordedDay, recorded_days
from tidzam.store.records import RecordingRecord
from tidzam.store.tables.places import SourceRow
from tidzam.store.writer import StoreWriter

UTC_ZONE, PARIS = ZoneInfo("UTC"), ZoneInfo("Europe/Paris")


def recording(start: datetime, length_s: float, *, channels: int = 2, source: str = "pond") -> RecordingRecord:
    return RecordingRecord(
        node="marsh",
        source=source,
        path=f"/recordings/{source}-{start:%Y-%m-%d-%H-%M-%S}.flac",
        start=start,
        end=start + timedelta(seconds=length_s),
        channels=channels,
        bytes=1,
    )


def days(store: Store, records: Sequence[RecordingRecord], zone: ZoneInfo, channel: int = 0) -> list[RecordedDay]:
    StoreWriter(store).write(records)
    with store.read() as session:
        sources = session.scalars(select(SourceRow.id).where(SourceRow.name == "pond")).all()
        return recorded_days(session, sources, channel, zone)


def expected(records: Sequence[RecordingRecord], zone: ZoneInfo) -> dict[date, tuple[int, float]]:
    """The same, section by section."""
    found: dict[date, tuple[int, float]] = {}
    for one in records:
        for number in range(section_count((one.end - one.start).total_seconds())):
            begin = one.start + timedelta(seconds=number * SECTION_S)
            end, day = min(begin + timedelta(seconds=SECTION_S), one.end), begin.astimezone(zone).date()
            midnight = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
            for part, first, last in ((day, begin, min(end, midnight)), (midnight.date(), midnight, end)):
                count, seconds = found.get(part, (0, 0.0))
                length_s = (last.astimezone(UTC) - first.astimezone(UTC)).total_seconds()
                if length_s > 0:
                    found[part] = (count + (part == day), seconds + length_s)
    return {day: (count, round(seconds, 3)) for day, (count, seconds) in found.items() if count}


@pytest.mark.parametrize("zone", [UTC_ZONE, PARIS, ZoneInfo("America/St_Johns"), ZoneInfo("Asia/Kathmandu")], ids=str)
@pytest.mark.parametrize("first", [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, 12, 7, 3, tzinfo=UTC)])
def test_days_are_those_of_the_clock_also_when_it_changes(store: Store, zone: ZoneInfo, first: datetime) -> None:
    lengths = (600, 7, 40_000, 3, 86_000, 601.5, 15, 30, 50_000, 70_000)
    records = [recording(first + timedelta(hours=7 * number), length) for number, length in enumerate(lengths)]
    found = days(store, records, zone)
    assert {one.day: (one.sections, round(one.recorded_s, 3)) for one in found} == expected(records, zone)
    assert [one.day for one in found] == sorted(one.day for one in found)


def test_other_sources_and_recordings_without_the_channel_do_not_count(store: Store) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    records = [recording(noon, 60), recording(noon + timedelta(days=1), 60, channels=1)]
    assert days(store, [*records, recording(noon, 60, source="moor")], UTC_ZONE, channel=1) == [
        RecordedDay(date(2026, 5, 1), 4, 60.0)
    ]


def test_without_recordings_there_is_no_day(store: Store) -> None:
    assert days(store, [], PARIS) == []
