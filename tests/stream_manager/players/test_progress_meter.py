"""How much audio an interruption has cost, from positions."""

from __future__ import annotations

import pytest

from stream_manager.players.progress_meter import ProgressMeter


def meter(*samples: tuple[float, float | None]) -> ProgressMeter:
    """A meter that has found nothing in these times and positions."""
    made = ProgressMeter()
    for now_s, position_s in samples:
        assert made.lost_s(now_s, now_s, position_s) is None
    return made


def test_steady_progress_is_no_interruption() -> None:
    meter((0, None), (1, 0.2), (2, 1.21), (3, 2.19), (4, 3.2))


def test_a_stall_is_measured_when_the_position_moves_again() -> None:
    assert meter((0, 5.0), (1, 6.0), (2, 7.0), (3, 7.0), (4, 7.0)).lost_s(5, 5, 7.5) == pytest.approx(2.5)


def test_a_short_delay_counts_only_after_an_underrun() -> None:
    quiet, reported = meter((0, 5.0)), meter((0, 5.0))
    reported.underrun()
    assert quiet.lost_s(1, 1, 5.9) is None
    assert reported.lost_s(1, 1, 5.9) == pytest.approx(0.1)


def test_a_jump_back_at_the_end_of_a_loop_is_no_interruption() -> None:
    meter((0, 59.0), (1, 0.0), (2, 1.0))


def test_a_jump_ahead_is_no_interruption() -> None:
    meter((0, 5.0), (1, 60.0), (2, 61.0))


def test_a_late_answer_is_no_interruption() -> None:
    """The position is that of when the player answered, not of when the answer was read."""
    late = meter((0, 5.0), (1, 6.0))
    assert late.lost_s(2, 4.5, 7.0) is None
    assert late.lost_s(5, 5, 10.0) is None


@pytest.mark.parametrize("round_s", [0.3, 1.0, 1.02, 2.0, 2.5, 60.0])
def test_rounds_of_a_short_loop_are_no_interruption(round_s: float) -> None:
    made = ProgressMeter(round_s=round_s)
    for number in range(300):
        now_s = number * (1.0 + 0.1 * (number % 3))
        assert made.lost_s(now_s, now_s, now_s % round_s) is None


def test_a_stall_in_a_loop_is_measured_as_elsewhere() -> None:
    made = ProgressMeter(round_s=60.0)
    assert made.lost_s(0, 0, 5.0) is None
    assert made.lost_s(3, 3, 6.0) == pytest.approx(2.0)
