"""JACK's frame time, unwrapped."""

from __future__ import annotations

from tidzam.jack.frame_clock import FrameClock


def passed(*frame_times: int) -> list[int]:
    remaining = iter(frame_times)
    clock = FrameClock(lambda: next(remaining))
    return [clock.read()[1] for _ in frame_times]


def test_it_counts_from_its_first_reading() -> None:
    assert passed(1000, 1256, 1300) == [0, 256, 300]


def test_it_continues_where_the_frame_time_wraps_around() -> None:
    assert passed(2**32 - 100, 50, 250) == [0, 150, 350]


def test_an_estimate_may_be_taken_back() -> None:
    assert passed(100, 300, 290) == [0, 200, 190]
