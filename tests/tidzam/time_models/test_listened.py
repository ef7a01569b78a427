"""How long channels were listened to in each hour of the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tidzam.gaps.records import Gap, GapReason, Loaded
from tidzam.time_models.listened import listened_hours

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 5, 1)
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def loaded(hours: float = 2.0, channels: int = 2, source: str = "pond", start: datetime = NOON) -> Loaded:
    return Loaded(source, channels, start, start + timedelta(hours=hours))


def gap(channel: str, minute: float, minutes: float, reason: str = "xrun") -> Gap:
    start = NOON + timedelta(minutes=minute)
    return Gap(channel, start, start + timedelta(minutes=minutes), GapReason(reason))


def test_hours_of_all_channels_are_added() -> None:
    found = listened_hours([loaded(1.5), loaded(1.0, source="shore", channels=1)], [], [DAY], UTC)
    assert found[0, 11:15] == pytest.approx([0.0, 3.0, 1.0, 0.0])


def test_gaps_of_a_channel_a_source_and_the_node_are_subtracted_once() -> None:
    gaps = [gap("pond:out_0", 0, 30), gap("pond", 15, 30), gap("*", 40, 10), gap("shore", 0, 60)]
    assert listened_hours([loaded(1.0)], gaps, [DAY], UTC)[0, 12] == pytest.approx((10 + 25) / 60)


def test_holes_of_a_replay_are_no_gaps() -> None:
    found = listened_hours([loaded(1.0)], [gap("pond", 0, 60, "recording_missing")], [DAY], UTC)
    assert found[0, 12] == pytest.approx(2.0)


def test_a_source_whose_channels_are_not_known_counts_as_one() -> None:
    assert listened_hours([loaded(1.0, channels=0)], [], [DAY], UTC)[0, 12] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("zone", "hours"),
    [("America/New_York", {8: 1.0}), ("Asia/Kolkata", {17: 0.5, 18: 0.5}), ("Asia/Kathmandu", {17: 0.25, 18: 0.75})],
)
def test_hours_are_those_of_the_clock(zone: str, hours: dict[int, float]) -> None:
    found = listened_hours([loaded(1.0, channels=1)], [], [DAY], ZoneInfo(zone))[0]
    assert {hour: found[hour] for hour in range(24) if found[hour]} == pytest.approx(hours)


def test_the_hour_that_the_clock_goes_through_twice_may_hold_two() -> None:
    start = datetime(2026, 11, 1, 4, tzinfo=UTC)
    found = listened_hours([loaded(6.0, 1, start=start)], [], [date(2026, 11, 1)], NEW_YORK)
    assert found[0, :5] == pytest.approx([1.0, 2.0, 1.0, 1.0, 1.0])
