"""The playback state of one source as a pure function of state, event and time. Nothing here waits or acts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from stream_manager.faults import SourceFailure
from tidzam.process import RestartPolicy
from tidzam.protocol.stream_manager import SourceState

POLICY = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)
PERSISTENT_DELAY_S = 60.0
"""Between looks at a permanent source that only a person can mend."""

_RUNNING = (SourceState.LOADING, SourceState.PLAYING, SourceState.SILENT)

REAL_RUN_S = 1.0
"""A source that ends sooner did not play; trying it again at once would be a storm."""


class SourceEvent(Enum):
    """What can happen to a source."""

    STARTED = "its ports are there"
    SILENCE_BEGAN = "it sends digital silence"
    SILENCE_ENDED = "it sounds again"
    ENDED = "its sound came to an end"
    FAILED = "it failed"
    JACK_LOST = "the JACK server went"
    RETRY_DUE = "it is time to try again"


@dataclass(frozen=True)
class PlaybackState:
    """Where a source stands. Times are of one monotonic clock, in seconds."""

    permanent: bool
    state: SourceState = SourceState.LOADING
    failures: int = 0
    restarts: int = 0
    gaps: int = 0
    sounding_since_s: float | None = None
    silent_since_s: float | None = None
    retry_at_s: float | None = None
    failure: SourceFailure | None = None
    """The last one, kept after the source has recovered."""

    @property
    def is_final(self) -> bool:
        """Nothing more will happen by itself."""
        return self.retry_at_s is None and self.state in (SourceState.ENDED, SourceState.FAILED)


class TransitionError(Exception):
    """Something happened that cannot happen to a source in that state: a mistake of the program."""


def transition(
    playback: PlaybackState, event: SourceEvent, now_s: float, failure: SourceFailure | None = None
) -> PlaybackState:
    """What becomes of `playback`. `failure` is the reason of FAILED or SILENCE_BEGAN, or what was wrong before ENDED.

    Raises TransitionError if that cannot happen.
    """
    match playback.state, event:
        case SourceState.LOADING, SourceEvent.STARTED:
            return replace(playback, state=SourceState.PLAYING, sounding_since_s=now_s)
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
    raise TransitionError(f"{event} cannot happen to a source that is {playback.state}")


def _ran_s(playback: PlaybackState, now_s: float) -> float:
    """How long it sounded. Silence at the end does not count."""
    if playback.sounding_since_s is None:
        return 0.0
    return (now_s if playback.silent_since_s is None else playback.silent_since_s) - playback.sounding_since_s


def _stopped(playback: PlaybackState) -> PlaybackState:
    """`playback` without its sound; if there was some, it broke off."""
    broke_off = playback.sounding_since_s is not None
    return replace(playback, sounding_since_s=None, silent_since_s=None, gaps=playback.gaps + broke_off)


def _ended(playback: PlaybackState, now_s: float) -> PlaybackState:
    if not playback.permanent:
        return replace(playback, state=SourceState.ENDED, sounding_since_s=None, silent_since_s=None)
    failures = 1 if _ran_s(playback, now_s) >= REAL_RUN_S else playback.failures + 1
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
