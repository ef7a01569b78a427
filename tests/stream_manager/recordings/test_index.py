"""Recordings by their start: found, followed by others, and joined to periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from stream_manager.recordings.index import RecordingIndex, merge

BEGIN = datetime(2026, 5, 1, 6, 0)
BEGIN_S = BEGIN.replace(tzinfo=UTC).timestamp()
COUNT = 100_000


def index_of(*starts_s: float, length_s: float | None = 10.0) -> RecordingIndex:
    index = RecordingIndex(UTC, file_length_s=length_s)
    index.fill({f"{start}": BEGIN + timedelta(seconds=start) for start in starts_s}, lambda name: None)
    return index


def found(index: RecordingIndex, time_s: float) -> str | None:
    recording = index.at(BEGIN_S + time_s)
    return None if recording is None else recording.file_name


def test_the_recording_that_holds_a_time_is_found() -> None:
    index = index_of(0, 10, 30)
    assert [found(index, time) for time in (-1, 0, 9.9, 10, 19.9, 20, 29.9, 30, 39.9, 40)] == (
        [None, "0", "0", "10", "10", None, None, "30", "30", None]
    )


def test_of_overlapping_recordings_the_later_one_is_found() -> None:
    assert [found(index_of(0, 4), time) for time in (3, 5, 11)] == ["0", "4", "4"]


def test_a_short_recording_within_a_long_one_does_not_hide_the_rest_of_it() -> None:
    index = index_of(0, 4)
    index.lengths_s["4"] = 1.0
    assert [found(index, time) for time in (4.5, 6)] == ["4", "0"]


def test_a_recording_of_unknown_length_lasts_as_long_as_usual_and_at_most_until_the_next() -> None:
    index = index_of(0, 10, 20, 23, 33, 43, 1000, length_s=None)
    assert [index.length_s(one) for one in index] == [10, 10, 3, 10, 10, 10, 10]


def test_the_only_recording_is_found_before_its_length_is_known() -> None:
    assert found(index_of(0, length_s=None), 5) == "0"


def test_the_following_recording_is_found_after_one_was_removed() -> None:
    index = index_of(0, 10, 20)
    first = index.at(BEGIN_S)
    assert first is not None
    index.remove("0")
    following = index.following(first)
    assert following is not None
    assert following.file_name == "10"


def test_a_recording_that_is_added_twice_is_there_once_and_measured_again() -> None:
    index = index_of(0, 10)
    index.lengths_s["10"] = 3.0
    index.add("10", BEGIN + timedelta(seconds=10), lambda name: None)
    assert len(index) == 2
    assert "10" in index.unmeasured()


def test_contiguous_recordings_are_one_period() -> None:
    index = index_of(0, 10, 20, 31, 50, 60)
    periods = [(start - BEGIN_S, end - BEGIN_S) for start, end in index.periods(join_s=2.0)]
    assert periods == [(0, 41), (50, 70)]


def test_a_hundred_thousand_recordings_are_one_period_and_each_is_found() -> None:
    index = index_of(*range(0, 10 * COUNT, 10))
    assert len(index) == COUNT
    assert index.periods(join_s=1.0) == [(BEGIN_S, BEGIN_S + 10 * COUNT)]
    assert found(index, 777_777.5) == "777770"


def test_a_recording_of_the_second_pass_of_an_hour_is_placed_when_the_next_one_arrives() -> None:
    index = RecordingIndex(ZoneInfo("America/New_York"))
    lengths = {"a": 1800.0, "b": 1800.0}
    index.add("a", datetime(2025, 11, 2, 1, 30), lengths.get)
    first = datetime(2025, 11, 2, 5, 30, tzinfo=UTC).timestamp()
    assert [one.start_s for one in index] == [first]
    index.add("b", datetime(2025, 11, 2, 2, 0), lengths.get)
    assert [one.start_s for one in index] == [first + 3600, first + 5400]


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 20)), max_size=20), st.integers(0, 5))
def test_periods_are_disjoint_and_hold_every_recording(spans: list[tuple[int, int]], join_s: int) -> None:
    recorded = sorted((float(start), float(start + length)) for start, length in spans)
    periods = merge(recorded, join_s=join_s)
    assert all(after[0] - before[1] > join_s for before, after in pairwise(periods))
    assert all(any(low <= start and end <= high for low, high in periods) for start, end in recorded)
