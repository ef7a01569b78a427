"""Frames are due on a clock that follows that of their source."""

from __future__ import annotations

import pytest

from stream_manager.direct.pace import Pace

RATE_HZ = 48000
FIRST = 1 << 31


def begun(target_s: float = 0.5) -> Pace:
    return Pace.begin(rate_hz=RATE_HZ, target_s=target_s, frame=FIRST, now_s=100.0)


def test_the_first_frame_is_due_after_the_target() -> None:
    assert begun().due(100.5) == FIRST


def test_frames_are_due_at_their_rate() -> None:
    assert begun().due(101.5) - begun().due(100.5) == RATE_HZ


@pytest.mark.parametrize("deviation", [-1e-4, -2e-5, 2e-5, 1e-4])
def test_what_waits_remains_near_the_target_however_the_clock_of_the_source_deviates(deviation: float) -> None:
    pace, waiting = begun(), []
    for second in range(1, 3601):
        now_s = 100.0 + second
        arrived = FIRST + round(second * RATE_HZ * (1 + deviation))
        waiting.append((arrived - pace.due(now_s)) / RATE_HZ)
        pace = pace.after(arrived - pace.due(now_s), now_s)
    assert waiting[-1] == pytest.approx(0.5, abs=0.06)


def test_frames_never_go_back_however_many_are_missing() -> None:
    pace, before = begun(), 0
    for tenth in range(1, 600):
        now_s = 100.0 + tenth / 10
        assert pace.due(now_s) >= before
        before = pace.due(now_s)
        pace = pace.after(-5 * RATE_HZ, now_s)


def test_the_deviation_is_limited() -> None:
    pace = begun().after(100 * RATE_HZ, 100.0)
    assert pace.due(200.0) - pace.due(100.0) == pytest.approx(100 * RATE_HZ * 1.0005, abs=1)
