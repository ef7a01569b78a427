"""The playback state of one source as a pure function of state, event and time. Nothing here waits or acts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from stream_manager.faults import SourceFailure, SourceFault
from tidzam.config.healing import HealingSettings
from tidzam.process import RestartPolicy
from tidzam.protocol.source_status import SourceState

MIN_RUN_S = 1.0
"""A file that ends sooner has not really played: retries of it are delayed more and more."""


class SourceEvent(Enum):
    """What can happen to a source; the values complete log lines."""

    STARTED = "its ports exist"
    SILENCE_BEGAN = "digital silence began"
    SILENCE_ENDED = "digital silence ended"
    ENDED = "it ended"
    CONTINUED = "it continues with its next recording or its live address"
    FAILED = "it failed"
    JACK_LOST = "the JACK server was lost"
    RETRY_DUE = "a retry is due"


_LOADING, _PLAYING, _SILENT = SourceState.LOADING, SourceState.PLAYING, SourceState.SILENT
_WAITING, _ENDED, _FAILED = SourceState.WAITING, SourceState.ENDED, SourceState.FAILED
_RUNNING: Final = (_LOADING, _PLAYING, _SILENT)

TRANSITIONS: Final[Mapping[tuple[SourceState, SourceEvent], frozenset[SourceState]]] = {
    (_LOADING, SourceEvent.STARTED): frozenset({_PLAYING}),
    (_PLAYING, SourceEvent.SILENCE_BEGAN): frozenset({_SILENT}),
    (_SILENT, SourceEvent.SILENCE_ENDED): frozenset({_PLAYING}),
    **{(state, SourceEvent.ENDED): frozenset({_WAITING, _ENDED}) for state in _RUNNING},
    **{(state, SourceEvent.CONTINUED): frozenset({_LOADING}) for state in _RUNNING},
    **{(state, SourceEvent.FAILED): frozenset({_WAITING, _FAILED}) for state in _RUNNING},
    **{(state, SourceEvent.JACK_LOST): frozenset({_WAITING}) for state in _RUNNING},
    (_WAITING, SourceEvent.RETRY_DUE): frozenset({_LOADING}),
    (_FAILED, SourceEvent.RETRY_DUE): frozenset({_LOADING}),
}
"""The states that may follow a state and an event. Every other event is impossible in that state."""


@dataclass(frozen=True)
class HealingPolicy:
    """The delays before a source is loaded again: `retries` after passing faults, and `permanent_fault_delay_s` after
    faults that only a person can fix. Where what is missing may appear, delays grow from the first of `retries` to
    `permanent_fault_delay_s`.
    """

    retries: RestartPolicy
    permanent_fault_delay_s: float

    @classmethod
    def of(cls, settings: HealingSettings) -> HealingPolicy:
        retries = RestartPolicy(
            settings.first_delay_s, settings.max_delay_s, settings.stable_after_s, jitter=settings.jitter
        )
        return cls(retries, settings.permanent_fault_delay_s)

    def delay_s(self, failures: int, failure: SourceFailure | None, chance: float) -> float:
        """Seconds before the next attempt, after `failures` (>= 1) short runs in a row, the last one with `failure`."""
        if failure is None or not failure.fault.persistent:
            return self.retries.delay_s(failures, chance)
        if failure.fault.may_appear:
            return replace(self.retries, max_delay_s=self.permanent_fault_delay_s).delay_s(failures, chance)
        return self.retries.jittered_s(self.permanent_fault_delay_s, chance)


@dataclass(frozen=True)
class PlaybackState:
    """The state of a source, with its history as far as it matters. Times are seconds of one monotonic clock.

    `failures` is the number of short runs in a row, `failure` the last one; it is kept after the source has recovered.
    `repeats` is how often in a row a permanent file has ended as it should.
    """

    permanent: bool
    state: SourceState = SourceState.LOADING
    failures: int = 0
    restarts: int = 0
    repeats: int = 0
    gaps: int = 0
    playing_since_s: float | None = None
    silent_since_s: float | None = None
    retry_at_s: float | None = None
    failure: SourceFailure | None = None

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.retry_at_s is None and self.state in (SourceState.ENDED, SourceState.FAILED)


class TransitionError(Exception):
    """An event is impossible in the state of the source: a bug in the program."""


def transition(
    playback: PlaybackState,
    event: SourceEvent,
    now_s: float,
    failure: SourceFailure | None = None,
    *,
    policy: HealingPolicy,
    chance: float = 0.0,
) -> PlaybackState:
    """The state after `event`. `failure` is the reason of FAILED or SILENCE_BEGAN, or what was wrong before ENDED.

    `chance`, from 0 to 1, is the random number that decides on the jitter of a delay. Raises TransitionError for an
    event that TRANSITIONS lacks, for FAILED without a reason, and for RETRY_DUE where no retry was planned.
    """
    after = _after(playback, event, now_s, failure, policy, chance)
    if after is None or after.state not in TRANSITIONS.get((playback.state, event), ()):
        raise TransitionError(f"event {event.name} is impossible in state {playback.state}")
    return after


def _after(
    playback: PlaybackState,
    event: SourceEvent,
    now_s: float,
    failure: SourceFailure | None,
    policy: HealingPolicy,
    chance: float,
) -> PlaybackState | None:
    """What `event` leads to, wherever it happens; None without what it needs."""
    match event:
        case SourceEvent.STARTED:
            return replace(playback, state=SourceState.PLAYING, playing_since_s=now_s)
        case SourceEvent.SILENCE_BEGAN:
            silent = replace(playback, state=SourceState.SILENT, silent_since_s=now_s)
            return replace(silent, failure=failure or playback.failure)
        case SourceEvent.SILENCE_ENDED:
            return replace(playback, state=SourceState.PLAYING, silent_since_s=None)
        case SourceEvent.ENDED:
            return _ended(playback, now_s, failure, policy, chance)
        case SourceEvent.CONTINUED:
            return replace(playback, state=SourceState.LOADING, playing_since_s=None, silent_since_s=None)
        case SourceEvent.FAILED:
            return None if failure is None else _failed(playback, now_s, failure, policy, chance)
        case SourceEvent.JACK_LOST:
            return replace(_stopped(playback), state=SourceState.WAITING, retry_at_s=now_s)
        case SourceEvent.RETRY_DUE if playback.retry_at_s is not None:
            return replace(playback, state=SourceState.LOADING, retry_at_s=None, restarts=playback.restarts + 1)
    return None


def _ran_s(playback: PlaybackState, now_s: float) -> float:
    """For how long it has played. Silence at the end does not count."""
    if playback.playing_since_s is None:
        return 0.0
    return (now_s if playback.silent_since_s is None else playback.silent_since_s) - playback.playing_since_s


def _stopped(playback: PlaybackState) -> PlaybackState:
    """`playback` after its audio stopped: that is a gap if there was any."""
    was_playing = playback.playing_since_s is not None
    return replace(playback, playing_since_s=None, silent_since_s=None, gaps=playback.gaps + was_playing)


def _ended(
    playback: PlaybackState, now_s: float, failure: SourceFailure | None, policy: HealingPolicy, chance: float
) -> PlaybackState:
    ran_s = _ran_s(playback, now_s)
    playback = replace(playback, failure=failure or playback.failure)
    if not playback.permanent:
        return replace(playback, state=SourceState.ENDED, playing_since_s=None, silent_since_s=None)
    if failure is not None and failure.fault is SourceFault.STREAM_ENDED:  # a live stream should not end
        failures = policy.retries.failures_after(playback.failures, ran_s)
    else:  # a file is played again
        failures = 1 if ran_s >= MIN_RUN_S else playback.failures + 1
    retry_at_s = now_s + policy.retries.delay_s(failures, chance)
    repeats = 0 if failure is not None else playback.repeats + 1
    waiting = replace(_stopped(playback), state=SourceState.WAITING, failures=failures, repeats=repeats)
    return replace(waiting, retry_at_s=retry_at_s)


def _failed(
    playback: PlaybackState, now_s: float, failure: SourceFailure, policy: HealingPolicy, chance: float
) -> PlaybackState:
    failures = policy.retries.failures_after(playback.failures, _ran_s(playback, now_s))
    playback = replace(_stopped(playback), failures=failures, repeats=0, failure=failure)
    if not playback.permanent and not failure.fault.replaces_player:
        return replace(playback, state=SourceState.FAILED)
    state = SourceState.FAILED if failure.fault.persistent else SourceState.WAITING
    return replace(playback, state=state, retry_at_s=now_s + policy.delay_s(failures, failure, chance))
