"""The playback state of one source as a pure function of state, event and time. Nothing here waits or acts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from stream_manager.faults import SourceFailure
from tidzam.process import RestartPolicy
from tidzam.protocol.stream_manager import SourceState

POLICY = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)
PERSISTENT_DELAY_S = 60.0
"""The delay between retries of a permanent source that only a person can fix."""

_RUNNING = (SourceState.LOADING, SourceState.PLAYING, SourceState.SILENT)

MIN_RUN_S = 1.0
"""A source that ends sooner has not really played: retries of it are delayed more and more."""


class SourceEvent(Enum):
    """What can happen to a source; the values complete log lines."""

    STARTED = "its ports exist"
    SILENCE_BEGAN = "digital silence began"
    SILENCE_ENDED = "digital silence ended"
    ENDED = "it ended"
    FAILED = "it failed"
    JACK_LOST = "the JACK server was lost"
    RETRY_DUE = "a retry is due"


@dataclass(frozen=True)
class PlaybackState:
    """The state of a source, with its history as far as it matters. Times are seconds of one monotonic clock."""

    permanent: bool
    state: SourceState = SourceState.LOADING
    failures: int = 0
    restarts: int = 0
    gaps: int = 0
    playing_since_s: float | None = None
    silent_since_s: float | None = None
    retry_at_s: float | None = None
    failure: SourceFailure | None = None
    """The last one, kept after the source has recovered."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.retry_at_s is None and self.state in (SourceState.ENDED, SourceState.FAILED)


class TransitionError(Exception):
    """An event is impossible in the state of the source: a bug in the program."""


def transition(
    playback: PlaybackState, event: SourceEvent, now_s: float, failure: SourceFailure | None = None
) -> PlaybackState:
    """The state after `event`. `failure` is the reason of FAILED or SILENCE_BEGAN, or what was wrong before ENDED.

    Raises TransitionError if that cannot happen.
    """
    match playback.state, event:
        case SourceState.LOADING, SourceEvent.STARTED:
            return replace(playback, state=SourceState.PLAYING, playing_since_s=now_s)
        case SourceState.PLAYING, SourceEvent.SILENCE_BEGAN:
            silent = replace(playback, state=SourceState.SILENT, silent_since_s=now_s)
            return replace(silent, failure=failure or playback.failure)
        case SourceState.SILENT, SourceEvent.SILENCE_ENDED:
            return replace(playback, state=SourceState.PLAYING, silent_since_s=None)
        case (state, SourceEvent.ENDED) if state in _RUNNING:
            return _ended(replace(playback, failure=failure or playback.failure), now_s)
        case (state, SourceEvent.FAILED) if state in _RUNNING and failure is not None:
            return _failed(playback, now_s, failure)
        case (state, SourceEvent.JACK_LOST) if state in _RUNNING:
            return replace(_stopped(playback), state=SourceState.WAITING, retry_at_s=now_s)
        case ((SourceState.WAITING | SourceState.FAILED), SourceEvent.RETRY_DUE) if playback.retry_at_s is not None:
            return replace(playback, state=SourceState.LOADING, retry_at_s=None, restarts=playback.restarts + 1)
    raise TransitionError(f"event {event.name} is impossible in state {playback.state}")


def _ran_s(playback: PlaybackState, now_s: float) -> float:
    """For how long it has played. Silence at the end does not count."""
    if playback.playing_since_s is None:
        return 0.0
    return (now_s if playback.silent_since_s is None else playback.silent_since_s) - playback.playing_since_s


def _stopped(playback: PlaybackState) -> PlaybackState:
    """`playback` after its audio stopped: that is a gap if there was any."""
    was_playing = playback.playing_since_s is not None
    return replace(playback, playing_since_s=None, silent_since_s=None, gaps=playback.gaps + was_playing)


def _ended(playback: PlaybackState, now_s: float) -> PlaybackState:
    if not playback.permanent:
        return replace(playback, state=SourceState.ENDED, playing_since_s=None, silent_since_s=None)
    failures = 1 if _ran_s(playback, now_s) >= MIN_RUN_S else playback.failures + 1
    retry_at_s = now_s + POLICY.delay_s(failures)
    return replace(_stopped(playback), state=SourceState.WAITING, failures=failures, retry_at_s=retry_at_s)


def _failed(playback: PlaybackState, now_s: float, failure: SourceFailure) -> PlaybackState:
    failures = POLICY.failures_after(playback.failures, _ran_s(playback, now_s))
    playback = replace(_stopped(playback), failures=failures, failure=failure)
    if not playback.permanent and not failure.fault.replaces_player:
        return replace(playback, state=SourceState.FAILED)
    if failure.fault.persistent:
        return replace(playback, state=SourceState.FAILED, retry_at_s=now_s + PERSISTENT_DELAY_S)
    return replace(playback, state=SourceState.WAITING, retry_at_s=now_s + POLICY.delay_s(failures))
