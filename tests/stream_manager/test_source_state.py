"""The playback state of a source, on a simulated clock."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.source_state import (
    TRANSITIONS,
    HealingPolicy,
    PlaybackState,
    SourceEvent,
    TransitionError,
    transition,
)
from tidzam.config.healing import HealingSettings
from tidzam.protocol.source_status import SourceState

POLICY = HealingPolicy.of(HealingSettings(permanent_fault_delay_s=300))
DIED = SourceFailure(SourceFault.DIED)
NOT_AUDIO = SourceFailure(SourceFault.NOT_AUDIO)
HTTP_NOT_FOUND = SourceFailure(SourceFault.HTTP_NOT_FOUND)
STREAM_ENDED = SourceFailure(SourceFault.STREAM_ENDED)
SILENCE = SourceFailure(SourceFault.DIGITAL_SILENCE)


def after(
    playback: PlaybackState,
    event: SourceEvent,
    now_s: float,
    failure: SourceFailure | None = None,
    *,
    chance: float = 0.0,
) -> PlaybackState:
    return transition(playback, event, now_s, failure, policy=POLICY, chance=chance)


def retried(playback: PlaybackState, now_s: float) -> PlaybackState:
    """It plays again after its retry."""
    return after(after(playback, SourceEvent.RETRY_DUE, now_s), SourceEvent.STARTED, now_s)


PLAYING = after(PlaybackState(permanent=True), SourceEvent.STARTED, 0.0)


def test_a_source_plays_once_its_ports_are_there() -> None:
    assert PLAYING.state is SourceState.PLAYING
    assert PLAYING.playing_since_s == 0.0


def test_a_permanent_source_that_dies_is_retried_soon() -> None:
    playback = after(PLAYING, SourceEvent.FAILED, 60.0, DIED)
    assert (playback.state, playback.retry_at_s, playback.gaps) == (SourceState.WAITING, 61.0, 1)
    playback = after(playback, SourceEvent.RETRY_DUE, 61.0)
    assert (playback.state, playback.restarts, playback.failure) == (SourceState.LOADING, 1, DIED)


def waits_of_short_runs(event: SourceEvent, failure: SourceFailure, count: int = 10) -> list[float]:
    """The delays after runs of 10 s that end with `event`."""
    playback, now_s, waits = PLAYING, 0.0, []
    for _ in range(count):
        now_s += 10
        playback = after(playback, event, now_s, failure)
        assert playback.retry_at_s is not None
        waits.append(playback.retry_at_s - now_s)
        now_s = playback.retry_at_s
        playback = retried(playback, now_s)
    return waits


@pytest.mark.parametrize(("event", "failure"), [(SourceEvent.FAILED, DIED), (SourceEvent.ENDED, STREAM_ENDED)])
def test_delays_double_from_1_s_to_2_min(event: SourceEvent, failure: SourceFailure) -> None:
    assert waits_of_short_runs(event, failure) == [1, 2, 4, 8, 16, 32, 64, 120, 120, 120]


@pytest.mark.parametrize(("event", "failure"), [(SourceEvent.FAILED, DIED), (SourceEvent.ENDED, STREAM_ENDED)])
def test_30_s_of_playing_reset_the_delay(event: SourceEvent, failure: SourceFailure) -> None:
    flapping = replace(PLAYING, failures=9)
    assert after(flapping, event, 29.9, failure).retry_at_s == 29.9 + 120
    assert after(flapping, event, 30.0, failure).retry_at_s == 31.0


def test_jitter_shortens_a_delay_by_up_to_half() -> None:
    waits = [after(PLAYING, SourceEvent.FAILED, 60.0, DIED, chance=chance).retry_at_s for chance in (0.0, 0.5, 1.0)]
    assert waits == [61.0, 60.75, 60.5]


def test_a_permanent_file_that_ends_is_played_again_at_once() -> None:
    playback = PLAYING
    for end_s in (3.0, 6.0, 9.0):
        playback = after(playback, SourceEvent.ENDED, end_s)
        assert playback.retry_at_s == end_s + 1.0
        playback = retried(playback, end_s)


def test_retries_of_a_file_that_ends_at_once_are_delayed() -> None:
    playback = replace(PLAYING, failures=4)
    assert after(playback, SourceEvent.ENDED, 0.1).retry_at_s == 0.1 + 16


def test_a_fault_that_a_person_has_to_fix_is_retried_slowly_and_for_ever() -> None:
    playback, now_s = PlaybackState(permanent=True), 0.0
    for _ in range(1000):
        playback = after(playback, SourceEvent.FAILED, now_s, NOT_AUDIO)
        assert (playback.state, playback.retry_at_s, playback.is_final) == (SourceState.FAILED, now_s + 300, False)
        now_s += 300
        playback = after(playback, SourceEvent.RETRY_DUE, now_s)
    assert playback.restarts == 1000


def test_a_missing_mount_is_retried_soon_and_then_as_slowly_as_a_fault_that_a_person_has_to_fix() -> None:
    playback, now_s, waits = PlaybackState(permanent=True), 0.0, []
    for _ in range(11):
        playback = after(playback, SourceEvent.FAILED, now_s, HTTP_NOT_FOUND)
        assert playback.retry_at_s is not None
        waits.append(playback.retry_at_s - now_s)
        now_s = playback.retry_at_s
        playback = after(playback, SourceEvent.RETRY_DUE, now_s)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_a_mount_that_has_played_and_is_missing_now_is_retried_soon() -> None:
    waiting = after(replace(PLAYING, failures=9), SourceEvent.ENDED, 60.0, STREAM_ENDED)
    loading = after(waiting, SourceEvent.RETRY_DUE, 61.0)
    missing = after(loading, SourceEvent.FAILED, 61.0, HTTP_NOT_FOUND)
    assert (missing.state, missing.retry_at_s) == (SourceState.FAILED, 63.0)


@pytest.mark.parametrize("failure", [DIED, NOT_AUDIO, HTTP_NOT_FOUND])
def test_a_source_that_is_not_permanent_fails_finally(failure: SourceFailure) -> None:
    playback = after(PlaybackState(permanent=False), SourceEvent.FAILED, 0.0, failure)
    assert (playback.state, playback.is_final, playback.failure) == (SourceState.FAILED, True, failure)


def test_a_source_that_is_not_permanent_ends() -> None:
    playback = after(replace(PLAYING, permanent=False), SourceEvent.ENDED, 5.0, SourceFailure(SourceFault.TRUNCATED))
    assert (playback.state, playback.is_final) == (SourceState.ENDED, True)
    assert playback.failure == SourceFailure(SourceFault.TRUNCATED)


@pytest.mark.parametrize("permanent", [True, False])
def test_losing_the_jack_server_is_not_a_failure(permanent: bool) -> None:
    playback = after(replace(PLAYING, permanent=permanent), SourceEvent.JACK_LOST, 9.0)
    assert (playback.state, playback.retry_at_s, playback.failures, playback.is_final) == (
        SourceState.WAITING,
        9.0,
        0,
        False,
    )


def test_digital_silence_is_a_state_that_ends_with_the_silence() -> None:
    playback = after(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert (playback.state, playback.failure, playback.retry_at_s, playback.is_final) == (
        SourceState.SILENT,
        SILENCE,
        None,
        False,
    )
    assert after(playback, SourceEvent.SILENCE_ENDED, 70.0) == replace(PLAYING, failure=SILENCE)


@pytest.mark.parametrize("permanent", [True, False])
@pytest.mark.parametrize("fault", [SourceFault.HUNG, SourceFault.DIGITAL_SILENCE, SourceFault.NO_DATA])
def test_a_player_that_hangs_or_is_silent_for_too_long_is_replaced(permanent: bool, fault: SourceFault) -> None:
    playback = after(replace(PLAYING, permanent=permanent), SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    playback = after(playback, SourceEvent.FAILED, 120.0, SourceFailure(fault))
    assert (playback.state, playback.retry_at_s, playback.is_final) == (SourceState.WAITING, 121.0, False)


def test_repeated_silence_delays_replacements_more_and_more() -> None:
    playback, now_s, waits = PLAYING, 0.0, []
    for _ in range(8):
        # It sounded for less than a stable run.
        playback = after(playback, SourceEvent.SILENCE_BEGAN, now_s + 15, SILENCE)
        playback = after(playback, SourceEvent.FAILED, now_s + 75, SILENCE)
        assert playback.retry_at_s is not None
        waits.append(playback.retry_at_s - now_s - 75)
        now_s = playback.retry_at_s
        playback = retried(playback, now_s)
    assert waits == [1, 2, 4, 8, 16, 32, 64, 120]


@pytest.mark.parametrize("event", [SourceEvent.ENDED, SourceEvent.JACK_LOST])
def test_a_silent_source_may_end_and_lose_jack(event: SourceEvent) -> None:
    silent = after(PLAYING, SourceEvent.SILENCE_BEGAN, 60.0, SILENCE)
    assert after(silent, event, 61.0).state is SourceState.WAITING


def states() -> list[PlaybackState]:
    """One of each kind that can occur."""
    base = [
        PlaybackState(permanent=True),
        PLAYING,
        after(PLAYING, SourceEvent.SILENCE_BEGAN, 1.0, SILENCE),
        after(PLAYING, SourceEvent.FAILED, 1.0, DIED),
        after(PLAYING, SourceEvent.FAILED, 1.0, NOT_AUDIO),
    ]
    return [
        *base,
        after(replace(PLAYING, permanent=False), SourceEvent.ENDED, 5.0),
        after(PlaybackState(permanent=False), SourceEvent.FAILED, 5.0, NOT_AUDIO),
    ]


@pytest.mark.parametrize(("playback", "event"), list(product(states(), SourceEvent)))
def test_exactly_the_transitions_of_the_table_are_possible(playback: PlaybackState, event: SourceEvent) -> None:
    allowed = TRANSITIONS.get((playback.state, event), frozenset())
    if not allowed or (event is SourceEvent.RETRY_DUE and playback.is_final):
        with pytest.raises(TransitionError):
            after(playback, event, 9.0, DIED)
    else:
        assert after(playback, event, 9.0, DIED).state in allowed


def test_every_transition_of_the_table_occurs() -> None:
    taken = set()
    for playback, event, permanent, failure in product(states(), SourceEvent, (True, False), (DIED, NOT_AUDIO)):
        one = replace(playback, permanent=permanent)
        try:
            taken.add((one.state, event, after(one, event, 9.0, failure).state))
        except TransitionError:
            continue
    assert taken == {(before, event, to) for (before, event), every in TRANSITIONS.items() for to in every}


def test_a_failure_without_a_reason_raises() -> None:
    with pytest.raises(TransitionError):
        after(PLAYING, SourceEvent.FAILED, 1.0)


EVENTS = st.tuples(
    st.sampled_from(SourceEvent),
    st.sampled_from(SourceFault),
    st.floats(0, 100),
    st.floats(0, 1, exclude_max=True),
)


@given(st.booleans(), st.lists(EVENTS, max_size=60))
def test_no_sequence_of_events_breaks_an_invariant(
    permanent: bool, events: list[tuple[SourceEvent, SourceFault, float, float]]
) -> None:
    playback, now_s, least_s = PlaybackState(permanent=permanent), 0.0, 1 - POLICY.retries.jitter
    for event, fault, passed_s, chance in events:
        now_s += passed_s
        before = playback
        try:
            playback = after(playback, event, now_s, SourceFailure(fault), chance=chance)
        except TransitionError:
            continue
        assert playback.state in TRANSITIONS[before.state, event]
        resting = playback.state in (SourceState.WAITING, SourceState.FAILED, SourceState.ENDED)
        assert (playback.retry_at_s is not None) == (resting and not playback.is_final)
        assert not (permanent and playback.is_final)
        assert (playback.playing_since_s is not None) == (playback.state in (SourceState.PLAYING, SourceState.SILENT))
        assert (playback.silent_since_s is not None) == (playback.state is SourceState.SILENT)
        if playback.retry_at_s is not None and event is not SourceEvent.JACK_LOST:
            assert least_s * 1 <= round(playback.retry_at_s - now_s, 6) <= 300


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from(SourceFault))
def test_every_delay_is_within_its_bounds(failures: int, chance: float, fault: SourceFault) -> None:
    delay_s = POLICY.delay_s(failures, SourceFailure(fault), chance)
    assert 0.5 <= delay_s <= (300 if fault.persistent else 120)
