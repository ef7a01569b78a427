"""Times of day, by the sun and by the clock."""

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.config.location import LocationSettings
from tidzam.daytime import ClockInterval, DayPart, day_part, day_parts, is_any_of, parse_time_of_day

BOSTON = LocationSettings(latitude=42.36, longitude=-71.06, time_zone="America/New_York")
SVALBARD = LocationSettings(latitude=78.2, longitude=15.6)


@pytest.mark.parametrize(
    ("utc", "part"),  # sunrise in Boston on 2026-05-01: 5:39 EDT, sunset: 19:37 EDT, by the almanac of the US Navy
    [
        ("05:00", DayPart.NIGHT),
        ("09:39", DayPart.DAWN),
        ("16:00", DayPart.DAY),
        ("23:37", DayPart.DUSK),
    ],
)
def test_the_parts_of_a_day_in_boston(utc: str, part: DayPart) -> None:
    assert day_part(datetime.fromisoformat(f"2026-05-01T{utc}:00+00:00"), BOSTON) is part


@pytest.mark.parametrize(("month", "part"), [(6, DayPart.DAY), (12, DayPart.NIGHT)])
def test_near_the_pole_a_day_may_have_one_part(month: int, part: DayPart) -> None:
    hours = range(24)
    assert {day_part(datetime(2026, month, 21, hour, tzinfo=UTC), SVALBARD) for hour in hours} == {part}


def test_the_parts_follow_one_another() -> None:
    start = datetime(2026, 5, 1, 4, 0, tzinfo=UTC)
    parts = [day_part(start + timedelta(minutes=10 * k), BOSTON) for k in range(144)]
    turns = [part for k, part in enumerate(parts) if k == 0 or part is not parts[k - 1]]
    assert turns == [DayPart.NIGHT, DayPart.DAWN, DayPart.DAY, DayPart.DUSK, DayPart.NIGHT]


def test_the_parts_of_a_period_begin_to_the_minute_at_which_the_sun_turns_them() -> None:
    start, end = datetime(2026, 5, 1, 4, 0, tzinfo=UTC), datetime(2026, 5, 2, 4, 0, tzinfo=UTC)
    parts = day_parts(start, end, BOSTON)
    assert [one.part for one in parts] == [DayPart.NIGHT, DayPart.DAWN, DayPart.DAY, DayPart.DUSK, DayPart.NIGHT]
    assert [one.start for one in parts[1:]] == [one.end for one in parts[:-1]]
    for one in parts[1:]:
        minute = timedelta(minutes=1)
        assert (day_part(one.start - minute, BOSTON) is one.part, day_part(one.start, BOSTON)) == (False, one.part)


def test_near_the_pole_a_period_may_have_one_part() -> None:
    start = datetime(2026, 6, 21, tzinfo=UTC)
    assert [one.part for one in day_parts(start, start + timedelta(days=1), SVALBARD)] == [DayPart.DAY]


def test_a_larger_twilight_makes_dawn_longer() -> None:
    before = datetime(2026, 5, 1, 8, 50, tzinfo=UTC)
    assert day_part(before, BOSTON) is DayPart.NIGHT
    assert day_part(before, BOSTON.model_copy(update={"twilight_deg": 12.0})) is DayPart.DAWN


def test_clock_intervals_are_in_the_time_zone_of_the_place() -> None:
    moment = datetime(2026, 5, 1, 16, 30, tzinfo=UTC)  # 12:30 in Boston
    assert is_any_of(moment, [parse_time_of_day("12:00-13:00")], BOSTON)
    assert not is_any_of(moment, [parse_time_of_day("12:00-13:00")], None)


@given(st.times(), st.times(), st.times())
def test_an_interval_and_the_one_back_cover_the_day_once(start: time, end: time, moment: time) -> None:
    if start != end:
        assert (moment in ClockInterval(start, end)) != (moment in ClockInterval(end, start))


@pytest.mark.parametrize("text", ["noon", "25:00-26:00", "12:00", "12:60-13:00", ""])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected night, dawn, day, dusk or for example"):
        parse_time_of_day(text)


def test_the_sun_without_a_place_is_refused() -> None:
    with pytest.raises(ValueError, match="depends on the position"):
        is_any_of(datetime(2026, 5, 1, tzinfo=UTC), [DayPart.DAWN], None)
