"""The life of a source on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.faults import Failure, Fault
from stream_manager.lifecycle import LASTING_DELAY_S, POLICY, Happening, Life, LifeError, advance
from tidzam.protocol.stream_manager import SourceState

DIED = Failure(Fault.DIED)
NOT_AUDIO = Failure(Fault.NOT_AUDIO)
PLAYING = advance(Life(permanent=True), Happening.SOUND, 0.0)


def test_a_source_plays_once_its_ports_are_there() -> None:
    assert PLAYING.state is SourceState.PLAYING
    assert PLAYING.sounding_since_s == 0.0


def test_a_permanent_source_that_dies_is_due_again_soon() -> None:
    life = advance(PLAYING, Happening.FAULT, 60.0, DIED)
    assert (life.state, life.due_s, life.gaps) == (SourceState.WAITING, 60.5, 1)
    life = advance(life, Happening.DUE, 60.5)
    assert (life.state, life.restarts, life.failure) == (SourceState.LOADING, 1, DIED)


def test_short_runs_are_tried_ever_more_rarely() -> None:
    life, now_s, waits = PLAYING, 0.0, []
    for _ in range(9):
        life = advance(life, Happening.FAULT, now_s, DIED)
        assert life.due_s is not None
        waits.append(life.due_s - now_s)
        now_s = life.due_s
        life = advance(advance(life, Happening.DUE, now_s), Happening.SOUND, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    life = advance(life, Happening.FAULT, now_s + POLICY.stable_after_s, DIED)
    assert life.due_s == now_s + POLICY.stable_after_s + 0.5


def test_a_permanent_file_that_ends_begins_again_at_once_however_often() -> None:
    life = PLAYING
    for end_s in (3.0, 6.0, 9.0):
        life = advance(life, Happening.END, end_s)
        assert life.due_s == end_s + 0.5
        life = advance(advance(life, Happening.DUE, end_s), Happening.SOUND, end_s)


def test_one_that_ends_as_soon_as_it_begins_is_no_storm() -> None:
    life = replace(PLAYING, failures=4)
    assert advance(life, Happening.END, 0.1).due_s == 0.1 + POLICY.delay_s(5)


def test_what_only_a_person_can_mend_is_looked_at_once_a_minute() -> None:
    life = advance(Life(permanent=True), Happening.FAULT, 0.0, NOT_AUDIO)
    assert (life.state, life.due_s, life.over) == (SourceState.FAILED, LASTING_DELAY_S, False)
    assert advance(life, Happening.DUE, 60.0).state is SourceState.LOADING


@pytest.mark.parametrize("failure", [DIED, NOT_AUDIO])
def test_a_source_that_is_not_permanent_fails_once_and_for_all(failure: Failure) -> None:
    life = advance(Life(permanent=False), Happening.FAULT, 0.0, failure)
    assert (life.state, life.over, life.failure) == (SourceState.FAILED, True, failure)


def test_a_source_that_is_not_permanent_ends() -> None:
    life = advance(replace(PLAYING, permanent=False), Happening.END, 5.0, Failure(Fault.TRUNCATED))
    assert (life.state, life.over) == (SourceState.ENDED, True)
    assert life.failure == Failure(Fault.TRUNCATED)


@pytest.mark.parametrize("permanent", [True, False])
def test_a_lost_jack_server_is_nobodys_failure(permanent: bool) -> None:
    life = advance(replace(PLAYING, permanent=permanent), Happening.JACK_LOST, 9.0)
    assert (life.state, life.due_s, life.failures, life.over) == (SourceState.WAITING, 9.0, 0, False)


SILENCE = Failure(Fault.DIGITAL_SILENCE)


def test_digital_silence_is_a_state_that_ends_when_the_source_is_heard() -> None:
    life = advance(PLAYING, Happening.SILENCE, 60.0, SILENCE)
    assert (life.state, life.failure, life.due_s, life.over) == (SourceState.SILENT, SILENCE, None, False)
    assert advance(life, Happening.SOUND_RETURNS, 70.0) == replace(PLAYING, failure=SILENCE)


@pytest.mark.parametrize("permanent", [True, False])
@pytest.mark.parametrize("fault", [Fault.HUNG, Fault.DIGITAL_SILENCE])
def test_a_player_that_hangs_or_is_silent_for_too_long_is_replaced(permanent: bool, fault: Fault) -> None:
    life = advance(replace(PLAYING, permanent=permanent), Happening.SILENCE, 60.0, SILENCE)
    life = advance(life, Happening.FAULT, 120.0, Failure(fault))
    assert (life.state, life.due_s, life.over) == (SourceState.WAITING, 120.5, False)


def test_a_source_that_is_silent_again_and_again_is_replaced_ever_more_rarely() -> None:
    life, now_s, waits = PLAYING, 0.0, []
    for _ in range(8):
        life = advance(life, Happening.SILENCE, now_s + 15, SILENCE)  # it sounded for less than a stable run
        life = advance(life, Happening.FAULT, now_s + 75, SILENCE)
        assert life.due_s is not None
        waits.append(life.due_s - now_s - 75)
        now_s = life.due_s
        life = advance(advance(life, Happening.DUE, now_s), Happening.SOUND, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("happening", [Happening.END, Happening.JACK_LOST])
def test_a_silent_source_may_end_and_lose_jack(happening: Happening) -> None:
    silent = advance(PLAYING, Happening.SILENCE, 60.0, SILENCE)
    assert advance(silent, happening, 61.0).state is SourceState.WAITING


def test_what_cannot_happen_is_a_mistake() -> None:
    with pytest.raises(LifeError):
        advance(PLAYING, Happening.SOUND, 0.0)
    with pytest.raises(LifeError):
        advance(Life(permanent=True), Happening.DUE, 0.0)


@given(st.booleans(), st.lists(st.tuples(st.sampled_from(Happening), st.sampled_from(Fault)), max_size=40))
def test_whatever_happens_a_permanent_source_is_never_given_up(
    permanent: bool, happenings: list[tuple[Happening, Fault]]
) -> None:
    life = Life(permanent=permanent)
    for now_s, (happening, fault) in enumerate(happenings):
        try:
            life = advance(life, happening, float(now_s), Failure(fault))
        except LifeError:
            continue
        resting = life.state in (SourceState.WAITING, SourceState.FAILED, SourceState.ENDED)
        assert (life.due_s is not None) == (resting and not life.over)
        assert not (permanent and life.over)
        assert (life.sounding_since_s is not None) == (life.state in (SourceState.PLAYING, SourceState.SILENT))
        assert (life.silent_since_s is not None) == (life.state is SourceState.SILENT)
