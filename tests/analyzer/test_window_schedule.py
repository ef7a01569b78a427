import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.window_schedule import Due, WindowSchedule


@pytest.mark.parametrize(("overlap", "hop"), [(0.0, 48000), (0.5, 24000), (0.999999, 1)])
def test_overlap_shortens_the_hop(overlap: float, hop: int) -> None:
    assert WindowSchedule.of(48000, window_s=1.0, overlap=overlap) == WindowSchedule(48000, hop)


def test_a_window_is_due_once_it_is_written() -> None:
    schedule = WindowSchedule(window=100, hop=50)
    assert schedule.due(200, 299, max_lag=1000) is None
    assert schedule.due(200, 300, max_lag=1000) == Due(200, 0)


def test_a_reader_that_falls_behind_skips_to_the_newest_window() -> None:
    schedule = WindowSchedule(window=100, hop=50)
    assert schedule.due(200, 500, max_lag=200) == Due(200, 0)
    assert schedule.due(200, 501, max_lag=200) == Due(400, 4)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 10**6), st.integers(0, 2000), st.integers(0, 5000))
def test_windows_are_complete_on_the_grid_and_never_too_late(
    window: int, hop: int, first: int, max_lag: int, behind: int
) -> None:
    schedule = WindowSchedule(window, hop)
    start = schedule.start_from(first)
    assert start % hop == 0
    assert first <= start < first + hop
    written = start + window + behind
    due = schedule.due(start, written, max_lag=max_lag)
    assert due is not None
    assert due.start == start + due.skipped * hop
    assert 0 <= written - (due.start + window) <= max(max_lag, hop - 1)


@pytest.mark.parametrize(("longest_s", "before"), [(0.0, 0), (1.0, 0), (3.0, 96000)])
def test_a_schedule_keeps_what_longer_windows_need(longest_s: float, before: int) -> None:
    schedule = WindowSchedule.of(48000, window_s=1.0, overlap=0.5, longest_s=longest_s)
    assert schedule == WindowSchedule(48000, 24000, before)
    assert schedule.longest == 48000 + before
