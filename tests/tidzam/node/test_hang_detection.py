"""When the watchdog kills and starts programs, on a fake clock."""

from __future__ import annotations

import itertools

import pytest

from tidzam.node.hang_detection import REVIVAL, Observation, Patience, Record, Revival

PATIENCE = Patience.of(hung_after_s=20.0, start_timeout_s=60.0)


def seconds_until_it_hangs(
    *, answered_before: bool = True, suspended: bool = False, step_s: float = 1.0, limit_s: float = 300.0
) -> float | None:
    """How long a program may be silent before it is called hung; None if it never is."""
    record = Record().after(Observation(7, answered_before, suspended=False, now_s=0.0))
    for moment_s in itertools.takewhile(lambda at_s: at_s < limit_s, itertools.count(step_s, step_s)):
        record = record.after(Observation(7, False, suspended=suspended, now_s=moment_s))
        if record.hangs(PATIENCE):
            return moment_s
    return None


def test_a_program_that_stops_answering_hangs_after_the_set_time() -> None:
    assert seconds_until_it_hangs() == 20.0


def test_a_suspended_program_hangs_after_half_the_time() -> None:
    assert seconds_until_it_hangs(suspended=True) == 10.0


def test_a_program_that_is_still_loading_is_not_killed() -> None:
    assert seconds_until_it_hangs(answered_before=False) == 120.0


def test_a_program_that_answers_sometimes_does_not_hang() -> None:
    record = Record()
    for second in range(500):
        record = record.after(Observation(7, second % 15 == 0, suspended=False, now_s=float(second)))
        assert not record.hangs(PATIENCE)


def test_a_machine_that_was_suspended_has_no_hung_programs() -> None:
    record = Record().after(Observation(7, True, suspended=False, now_s=0.0))
    assert not record.after(Observation(7, False, suspended=False, now_s=3600.0)).hangs(PATIENCE)


def test_a_new_process_begins_a_new_record() -> None:
    record = Record().after(Observation(7, True, suspended=False, now_s=0.0))
    for second in range(1, 19):
        record = record.after(Observation(7, False, suspended=False, now_s=float(second)))
    assert record.after(Observation(8, False, suspended=False, now_s=19.0)).silence_s == 0.0


def test_a_program_without_a_process_does_not_hang() -> None:
    record = Record()
    for second in range(300):
        record = record.after(Observation(None, False, suspended=False, now_s=float(second)))
        assert not record.hangs(PATIENCE)


def start_times(state: str, until_s: int) -> list[int]:
    """When a program that stays in `state` is started, looked at every second."""
    revival, started = Revival(), []
    for second in range(until_s):
        revival, now = revival.after(state, 0.0, float(second))
        if now:
            started.append(second)
    return started


@pytest.mark.parametrize("state", ["FATAL", "STOPPED", "EXITED", "UNKNOWN"])
def test_a_program_that_has_given_up_is_tried_again_for_ever_with_growing_pauses(state: str) -> None:
    started = start_times(state, 86_400)
    pauses = [later - earlier for earlier, later in itertools.pairwise(started)]
    assert started[0] == REVIVAL.first_delay_s
    assert pauses == sorted(pauses)
    assert pauses[-1] == REVIVAL.max_delay_s + 1  # one round later it is down again
    assert started[-1] > 86_400 - 2 * REVIVAL.max_delay_s


@pytest.mark.parametrize("state", ["RUNNING", "STARTING", "BACKOFF", "STOPPING"])
def test_a_program_that_supervisord_handles_is_left_to_it(state: str) -> None:
    assert start_times(state, 600) == []


def test_a_good_run_is_forgiven() -> None:
    failed = Revival(failures=9)
    assert failed.after("RUNNING", 5.0, 100.0) == (failed, False)
    assert failed.after("RUNNING", REVIVAL.stable_after_s, 100.0) == (Revival(), False)
