"""The life of a source on a clock that only the test moves."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.source_state import (
    PERSISTENT_DELAY_S,
    POLICY,
    PlaybackState,
    SourceEvent,
    TransitionError,
    transition,
)
from tidzam.protocol.stream_manager import SourceState

DIED = SourceFailure(SourceFault.DIED)
NOT_AUDIO = SourceFailure(SourceFault.NOT_AUDIO)
PLAYING = transition(PlaybackState(permanent=True), SourceEvent.STARTED, 0.0)


def test_a_source_plays_once_its_ports_are_there() -> None:
    assert PLAYING.state is SourceState.PLAYING
    assert PLAYING.playing_since_s == 0.0


def test_a_permanent_source_that_dies_is_due_again_soon() -> None:
    life = transition(PLAYING, SourceEvent.FAILED, 60.0, DIED)
    assert (life.state, life.retry_at_s, life.gaps) == (SourceState.WAITING, 60.5, 1)
    life = transition(life, SourceEvent.RETRY_DUE, 60.5)
    assert (life.state, life.restarts, life.failure) == (SourceState.LOADING, 1, DIED)


def test_short_runs_are_tried_ever_more_rarely() -> None:
    life, now_s, waits = PLAYING, 0.0, []
    for _ in range(9):
        life = transition(life, SourceEvent.FAILED, now_s, DIED)
        assert life.retry_at_s is not None
        waits.append(life.retry_at_s - now_s)
        now_s = life.retry_at_s
        life = transition(transition(life, SourceEvent.RETRY_DUE, now_s), SourceEvent.STARTED, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    life = transition(life, SourceEvent.FAILED, now_s + POLICY.stable_after_s, DIED)
    assert life.retry_at_s == now_s + POLICY.stable_after_s + 0.5


def test_a_permanent_file_that_ends_begins_again_at_once_however_often() -> None:
    life = PLAYING
    for end_s in (3.0, 6.0, 9.0):
        life = transition(life, SourceEvent.ENDED, end_s)
        assert life.retry_at_s == end_s + 0.5
        life = transition(transition(life, SourceEvent.RETRY_DUE, end_s), SourceEvent.STARTED, end_s)


def test_one_that_ends_as_soon_as_it_begins_is_no_storm() -> None:
    life = replace(PLAYING, failures=4)
    assert transition(life, SourceEvent.ENDED, 0.1).retry_at_s == 0.1 + POLICY.delay_s(5)


def test_what_only_a_person_can_mend_is_looked_at_once_a_minute() -> None:
    life = transition(PlaybackState(permanent=True), SourceEvent.FAILED, 0.0, NOT_AUDIO)
    assert (life.state, life.retry_at_s, life.is_final) == (SourceState.FAILED, PERSISTENT_DELAY_S, False)
    assert transition(life, SourceEvent.RETRY_DUE, 60.0).state is SourceState.LOADING


@pytest.mark.parametrize("failure", [DIED, NOT_AUDIO])
def test_a_source_that_is_not_permanent_fails_once_and_for_all(failure: SourceFailure) -> None:
    life = transition(PlaybackState(permanent=False), SourceEvent.FAILED, 0.0, failure)
    assert (life.state, life.is_final, life.failure) == (SourceState.FAILED, True, failure)


def test_a_source_that_is_not_permanent_ends() -> None:
    life = transition(replace(PLAYING, permanent=False), SourceEvent.ENDED, 5.0, SourceFailure(SourceFault.TRUNCATED))
    assert (life.state, life.is_final) == (SourceState.ENDED, True)
    assert life.failure == SourceFailure(SourceFault.TRUNCATED)


@pytest.mark.parametrize("permanent", [True, False])
def test_a_lost_jack_server_is_nobodys_failure(permanent: bool) -> None:
    life = transition(replace(PLAYING, permanent=permanent), SourceEvent.JACK_LOST, 9.0)
    assert (life.state, life.retry_at_s, life.failures, life.is_final) == (SourceState.WAITING, 9.0, 0, False)


SILENCE = SourceFailure(SourceFault.DIGITAL_SILENCE)


def test_digital_silence_is_a_state_that_ends_when_the_source_is_heard() -> None:
    life = transition(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert (life.state, life.failure, life.retry_at_s, life.is_final) == (SourceState.SILENT, SILENCE, None, False)
    assert transition(life, SourceEvent.SILENCE_ENDED, 70.0) == replace(PLAYING, failure=SILENCE)


@pytest.mark.parametrize("permanent", [True, False])
@pytest.mark.parametrize("fault", [SourceFault.HUNG, SourceFault.DIGITAL_SILENCE])
def test_a_player_that_hangs_or_is_silent_for_too_long_is_replaced(permanent: bool, fault: SourceFault) -> None:
    life = transition(replace(PLAYING, permanent=permanent), SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    life = transition(life, SourceEvent.FAILED, 120.0, SourceFailure(fault))
    assert (life.state, life.retry_at_s, life.is_final) == (SourceState.WAITING, 120.5, False)


def test_a_source_that_is_silent_again_and_again_is_replaced_ever_more_rarely() -> None:
    life, now_s, waits = PLAYING, 0.0, []
    for _ in range(8):
        life = transition(life, SourceEvent.SILENCE_BEGAN, now_s + 15, SILENCE)  # it sounded for less than a stable run
        life = transition(life, SourceEvent.FAILED, now_s + 75, SILENCE)
        assert life.retry_at_s is not None
        waits.append(life.retry_at_s - now_s - 75)
        now_s = life.retry_at_s
        life = transition(transition(life, SourceEvent.RETRY_DUE, now_s), SourceEvent.STARTED, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("event", [SourceEvent.ENDED, SourceEvent.JACK_LOST])
def test_a_silent_source_may_end_and_lose_jack(event: SourceEvent) -> None:
    silent = transition(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert transition(silent, event, 61.0).state is SourceState.WAITING


def test_what_cannot_happen_is_a_mistake() -> None:
    with pytest.raises(TransitionError):
        transition(PLAYING, SourceEvent.STARTED, 0.0)
    with pytest.raises(TransitionError):
        transition(PlaybackState(permanent=True), SourceEvent.RETRY_DUE, 0.0)


@given(st.booleans(), st.lists(st.tuples(st.sampled_from(SourceEvent), st.sampled_from(SourceFault)), max_size=40))
def test_whatever_happens_a_permanent_source_is_never_given_up(
    permanent: bool, events: list[tuple[SourceEvent, SourceFault]]
) -> None:
    life = PlaybackState(permanent=permanent)
    for now_s, (event, fault) in enumerate(events):
        try:
            life = transition(life, event, float(now_s), SourceFailure(fault))
        except TransitionError:
            continue
        resting = life.state in (SourceState.WAITING, SourceState.FAILED, SourceState.ENDED)
        assert (life.retry_at_s is not None) == (resting and not life.is_final)
        assert not (permanent and life.is_final)
        assert (life.playing_since_s is not None) == (life.state in (SourceState.PLAYING, SourceState.SILENT))
        assert (life.silent_since_s is not None) == (life.state is SourceState.SILENT)
