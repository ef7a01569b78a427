"""A port is free soon after its stream has ended, on a simulated clock and with simulated cycles of JACK."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from tidzam.jack.live_closing import CLOSED_S, POLL_S, ClosingStep, PortClosing

CYCLES_S = [64 / 192000, 1024 / 44100, 2048 / 44100, 8192 / 48000, 8192 / 44100]
"""From the shortest cycles to the longest with which live streams make sense."""


@dataclass(frozen=True)
class Closed:
    """What became of a stream: when its port was removed, how much of it was played, and whether silence followed."""

    removed_s: float
    played_s: float
    was_silent: bool


def close(*, cycle_s: float, buffered_s: float, offset: float = 0.99, stands_still: bool = False) -> Closed:
    """Close a port. The first cycle begins after `offset` cycles, none if JACK stands still.

    Silence is played from the first cycle after it was requested. A port is removed after one more whole cycle.
    """
    closing = PortClosing(10.0, cycle_s)
    now_s, silence_s = 10.0, math.inf

    def first_cycle_after(time_s: float) -> float:
        cycles = math.ceil((time_s - 10.0) / cycle_s - offset)
        return math.inf if stands_still else 10.0 + (max(cycles, 0) + offset) * cycle_s

    while True:
        is_silent = now_s >= first_cycle_after(silence_s) if silence_s < math.inf else False
        has_ended = not stands_still and now_s - 10.0 >= buffered_s
        match closing.step(now_s, has_ended=has_ended, is_silent=is_silent):
            case ClosingStep.SILENCE:
                silence_s = min(silence_s, now_s)
            case ClosingStep.REMOVE:
                removed_s = now_s - 10.0 + (0.0 if stands_still else cycle_s)
                return Closed(removed_s, min(buffered_s, silence_s - 10.0), is_silent)
        now_s += POLL_S


@pytest.mark.parametrize("cycle_s", CYCLES_S)
@pytest.mark.parametrize("buffered_s", [0.0, 0.2, 0.5, 5.0, 60.0])
@pytest.mark.parametrize("offset", [0.01, 0.5, 0.99])
def test_a_port_is_removed_in_time_however_much_is_buffered(cycle_s: float, buffered_s: float, offset: float) -> None:
    assert close(cycle_s=cycle_s, buffered_s=buffered_s, offset=offset).removed_s <= CLOSED_S + POLL_S


@pytest.mark.parametrize("cycle_s", CYCLES_S)
@pytest.mark.parametrize("buffered_s", [0.0, 0.3, 5.0])
def test_no_port_is_removed_before_silence_was_played(cycle_s: float, buffered_s: float) -> None:
    assert close(cycle_s=cycle_s, buffered_s=buffered_s).was_silent


def test_what_a_client_in_real_time_has_buffered_is_played_to_its_end() -> None:
    """With the default settings: the delay, and the cycle that JACK takes at once."""
    buffered_s = 0.5 + 2048 / 44100
    assert close(cycle_s=2048 / 44100, buffered_s=buffered_s).played_s == buffered_s


def test_a_port_without_audio_is_removed_at_once() -> None:
    assert close(cycle_s=2048 / 44100, buffered_s=0.0).removed_s < 0.2


def test_a_server_that_stands_still_is_waited_for_but_not_for_ever() -> None:
    closed = close(cycle_s=0.05, buffered_s=1.0, stands_still=True)
    assert not closed.was_silent
    assert closed.removed_s == pytest.approx(2 * CLOSED_S, abs=2 * POLL_S)
