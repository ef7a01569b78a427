"""The playback state of a source, on a simulated clock."""

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


def test_a_permanent_source_that_dies_is_retried_soon() -> None:
    playback = transition(PLAYING, SourceEvent.FAILED, 60.0, DIED)
    assert (playback.state, playback.retry_at_s, playback.gaps) == (SourceState.WAITING, 60.5, 1)
    playback = transition(playback, SourceEvent.RETRY_DUE, 60.5)
    assert (playback.state, playback.restarts, playback.failure) == (SourceState.LOADING, 1, DIED)


def test_retries_after_short_runs_are_delayed_more_and_more() -> None:
    playback, now_s, waits = PLAYING, 0.0, []
    for _ in range(9):
        playback = transition(playback, SourceEvent.FAILED, now_s, DIED)
        assert playback.retry_at_s is not None
        waits.append(playback.retry_at_s - now_s)
        now_s = playback.retry_at_s
        playback = transition(transition(playback, SourceEvent.RETRY_DUE, now_s), SourceEvent.STARTED, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
    playback = transition(playback, SourceEvent.FAILED, now_s + POLICY.stable_after_s, DIED)
    assert playback.retry_at_s == now_s + POLICY.stable_after_s + 0.5


def test_a_permanent_file_that_ends_is_played_again_at_once() -> None:
    playback = PLAYING
    for end_s in (3.0, 6.0, 9.0):
        playback = transition(playback, SourceEvent.ENDED, end_s)
        assert playback.retry_at_s == end_s + 0.5
        playback = transition(transition(playback, SourceEvent.RETRY_DUE, end_s), SourceEvent.STARTED, end_s)


def test_retries_of_a_source_that_ends_at_once_are_delayed() -> None:
    playback = replace(PLAYING, failures=4)
    assert transition(playback, SourceEvent.ENDED, 0.1).retry_at_s == 0.1 + POLICY.delay_s(5)


def test_a_persistent_fault_is_retried_once_per_minute() -> None:
    playback = transition(PlaybackState(permanent=True), SourceEvent.FAILED, 0.0, NOT_AUDIO)
    assert (playback.state, playback.retry_at_s, playback.is_final) == (SourceState.FAILED, PERSISTENT_DELAY_S, False)
    assert transition(playback, SourceEvent.RETRY_DUE, 60.0).state is SourceState.LOADING


@pytest.mark.parametrize("failure", [DIED, NOT_AUDIO])
def test_a_source_that_is_not_permanent_fails_finally(failure: SourceFailure) -> None:
    playback = transition(PlaybackState(permanent=False), SourceEvent.FAILED, 0.0, failure)
    assert (playback.state, playback.is_final, playback.failure) == (SourceState.FAILED, True, failure)


def test_a_source_that_is_not_permanent_ends() -> None:
    playback = transition(
        replace(PLAYING, permanent=False), SourceEvent.ENDED, 5.0, SourceFailure(SourceFault.TRUNCATED)
    )
    assert (playback.state, playback.is_final) == (SourceState.ENDED, True)
    assert playback.failure == SourceFailure(SourceFault.TRUNCATED)


@pytest.mark.parametrize("permanent", [True, False])
def test_losing_the_jack_server_is_not_a_failure(permanent: bool) -> None:
    playback = transition(replace(PLAYING, permanent=permanent), SourceEvent.JACK_LOST, 9.0)
    assert (playback.state, playback.retry_at_s, playback.failures, playback.is_final) == (
        SourceState.WAITING,
        9.0,
        0,
        False,
    )


SILENCE = SourceFailure(SourceFault.DIGITAL_SILENCE)


def test_digital_silence_is_a_state_that_ends_with_the_silence() -> None:
    playback = transition(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert (playback.state, playback.failure, playback.retry_at_s, playback.is_final) == (
        SourceState.SILENT,
        SILENCE,
        None,
        False,
    )
    assert transition(playback, SourceEvent.SILENCE_ENDED, 70.0) == replace(PLAYING, failure=SILENCE)


@pytest.mark.parametrize("permanent", [True, False])
@pytest.mark.parametrize("fault", [SourceFault.HUNG, SourceFault.DIGITAL_SILENCE])
def test_a_player_that_hangs_or_is_silent_for_too_long_is_replaced(permanent: bool, fault: SourceFault) -> None:
    playback = transition(replace(PLAYING, permanent=permanent), SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    playback = transition(playback, SourceEvent.FAILED, 120.0, SourceFailure(fault))
    assert (playback.state, playback.retry_at_s, playback.is_final) == (SourceState.WAITING, 120.5, False)


def test_repeated_silence_delays_replacements_more_and_more() -> None:
    playback, now_s, waits = PLAYING, 0.0, []
    for _ in range(8):
        playback = transition(
            playback, SourceEvent.SILENCE_BEGAN, now_s + 15, SILENCE
        )  # it sounded for less than a stable run
        playback = transition(playback, SourceEvent.FAILED, now_s + 75, SILENCE)
        assert playback.retry_at_s is not None
        waits.append(playback.retry_at_s - now_s - 75)
        now_s = playback.retry_at_s
        playback = transition(transition(playback, SourceEvent.RETRY_DUE, now_s), SourceEvent.STARTED, now_s)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize("event", [SourceEvent.ENDED, SourceEvent.JACK_LOST])
def test_a_silent_source_may_end_and_lose_jack(event: SourceEvent) -> None:
    silent = transition(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert transition(silent, event, 61.0).state is SourceState.WAITING


def test_an_impossible_event_raises() -> None:
    with pytest.raises(TransitionError):
        transition(PLAYING, SourceEvent.STARTED, 0.0)
    with pytest.raises(TransitionError):
        transition(PlaybackState(permanent=True), SourceEvent.RETRY_DUE, 0.0)


@given(st.booleans(), st.lists(st.tuples(st.sampled_from(SourceEvent), st.sampled_from(SourceFault)), max_size=40))
def test_a_permanent_source_is_never_final(permanent: bool, events: list[tuple[SourceEvent, SourceFault]]) -> None:
    playback = PlaybackState(permanent=permanent)
    for now_s, (event, fault) in enumerate(events):
        try:
            playback = transition(playback, event, float(now_s), SourceFailure(fault))
        except TransitionError:
            continue
        resting = playback.state in (SourceState.WAITING, SourceState.FAILED, SourceState.ENDED)
        assert (playback.retry_at_s is not None) == (resting and not playback.is_final)
        assert not (permanent and playback.is_final)
        assert (playback.playing_since_s is not None) == (playback.state in (SourceState.PLAYING, SourceState.SILENT))
        assert (playback.silent_since_s is not None) == (playback.state is SourceState.SILENT)
