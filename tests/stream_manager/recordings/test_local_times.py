"""Local times in file names as UTC: no hour is lost or repeated when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.recordings.local_times import is_ambiguous, starts_utc_s, utc_s

NEW_YORK = ZoneInfo("America/New_York")
SET_BACK = datetime(2025, 11, 2, 5, 0, tzinfo=UTC)
"""At 06:00 UTC, clocks in New York go from 02:00 back to 01:00."""
SET_FORWARD = datetime(2025, 3, 9, 7, 0, tzinfo=UTC)


def named(starts: list[datetime], length_s: float) -> tuple[list[datetime], list[float]]:
    """The local times in the names of recordings that start at `starts`, sorted as names are, and their true starts."""
    pairs = sorted((start.astimezone(NEW_YORK).replace(tzinfo=None), start.timestamp()) for start in starts)
    return [local for local, _ in pairs], [true_s for _, true_s in pairs]


def continuous(first: datetime, *, length_s: int, count: int) -> list[datetime]:
    return [first + timedelta(seconds=number * length_s) for number in range(count)]


@pytest.mark.parametrize("length_s", [7, 299, 301, 607, 3599, 1801])
def test_continuous_recordings_over_both_passes_of_an_hour_keep_their_order(length_s: int) -> None:
    starts = continuous(SET_BACK - timedelta(seconds=2000), length_s=length_s, count=4 * 3600 // length_s)
    locals_, true_s = named(starts, length_s)
    assert starts_utc_s(locals_, NEW_YORK, lambda index: float(length_s)) == true_s


def test_recordings_of_the_second_pass_alone_are_those_before_the_next_one() -> None:
    starts = continuous(SET_BACK + timedelta(minutes=80), length_s=300, count=12)
    locals_, true_s = named(starts, 300)
    assert starts_utc_s(locals_, NEW_YORK, lambda index: 300.0) == true_s


def test_recordings_of_the_first_pass_alone_are_those_after_the_last_one() -> None:
    starts = continuous(SET_BACK - timedelta(minutes=20), length_s=300, count=12)
    locals_, true_s = named(starts, 300)
    assert starts_utc_s(locals_, NEW_YORK, lambda index: 300.0) == true_s


def test_holes_in_both_passes_are_kept() -> None:
    starts = continuous(SET_BACK - timedelta(seconds=100), length_s=301, count=30)
    kept = [start for number, start in enumerate(starts) if number not in (5, 6, 17)]
    locals_, true_s = named(kept, 301)
    assert starts_utc_s(locals_, NEW_YORK, lambda index: 301.0) == true_s


def test_without_lengths_an_ambiguous_time_is_the_first_one() -> None:
    local = datetime(2025, 11, 2, 1, 30)
    assert starts_utc_s([local], NEW_YORK, lambda index: None) == [SET_BACK.timestamp() + 1800]


def test_no_hour_is_lost_when_the_clock_is_set_forward() -> None:
    starts = continuous(SET_FORWARD - timedelta(hours=2), length_s=300, count=48)
    locals_, _ = named(starts, 300)
    found = starts_utc_s(locals_, NEW_YORK, lambda index: 300.0)
    assert {after - before for before, after in pairwise(found)} == {300.0}


def test_a_time_that_does_not_occur_is_one_of_the_clock_before_the_change() -> None:
    assert utc_s(datetime(2025, 3, 9, 2, 30), NEW_YORK) == SET_FORWARD.timestamp() + 1800


def test_lengths_are_only_read_near_a_change_of_the_clock() -> None:
    locals_ = [datetime(2025, 7, 1) + timedelta(minutes=number) for number in range(1000)]
    read: list[int] = []
    starts_utc_s(locals_, NEW_YORK, lambda index: read.append(index))
    assert not read


@given(st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1)))
def test_a_time_that_occurs_once_is_what_a_clock_showed(local: datetime) -> None:
    shown = datetime.fromtimestamp(utc_s(local, NEW_YORK), NEW_YORK).replace(tzinfo=None)
    assert is_ambiguous(local, NEW_YORK) or shown in (local, local + timedelta(hours=1))
