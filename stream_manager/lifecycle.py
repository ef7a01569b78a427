"""The life of one source as a pure function of what it was, what happened and when. Nothing here waits or acts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from stream_manager.faults import Failure
from tidzam.process import RestartPolicy
from tidzam.protocol.stream_manager import SourceState

POLICY = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)
LASTING_DELAY_S = 60.0
"""Between looks at a permanent source that only a person can mend."""

_RUNNING = (SourceState.LOADING, SourceState.PLAYING, SourceState.SILENT)

REAL_RUN_S = 1.0
"""A source that ends sooner did not play; trying it again at once would be a storm."""


class Happening(Enum):
    """What can happen to a source."""

    SOUND = "its ports are there"
    SILENCE = "it sends digital silence"
    SOUND_RETURNS = "it sounds again"
    END = "its sound came to an end"
    FAULT = "it failed"
    JACK_LOST = "the JACK server went"
    DUE = "it is time to try again"


@dataclass(frozen=True)
class Life:
    """Where a source stands. Times are of one monotonic clock, in seconds."""

    permanent: bool
    state: SourceState = SourceState.LOADING
    failures: int = 0
    restarts: int = 0
    gaps: int = 0
    sounding_since_s: float | None = None
    silent_since_s: float | None = None
    due_s: float | None = None
    failure: Failure | None = None
    """The last one, kept after the source has recovered."""

    @property
    def over(self) -> bool:
        """Nothing more will happen by itself."""
        return self.due_s is None and self.state in (SourceState.ENDED, SourceState.FAILED)


class LifeError(Exception):
    """Something happened that cannot happen to a source in that state: a mistake of the program."""


def advance(life: Life, happening: Happening, now_s: float, failure: Failure | None = None) -> Life:
    """What becomes of `life`. `failure` is the reason of a FAULT or a SILENCE, or what was wrong before an END.

    Raises LifeError if that cannot happen.
    """
    match life.state, happening:
        case SourceState.LOADING, Happening.SOUND:
            return replace(life, state=SourceState.PLAYING, sounding_since_s=now_s)
        case SourceState.PLAYING, Happening.SILENCE:
            silent = replace(life, state=SourceState.SILENT, silent_since_s=now_s)
            return replace(silent, failure=failure or life.failure)
        case SourceState.SILENT, Happening.SOUND_RETURNS:
            return replace(life, state=SourceState.PLAYING, silent_since_s=None)
        case (state, Happening.END) if state in _RUNNING:
            return _ended(replace(life, failure=failure or life.failure), now_s)
        case (state, Happening.FAULT) if state in _RUNNING and failure is not None:
            return _failed(life, now_s, failure)
        case (state, Happening.JACK_LOST) if state in _RUNNING:
            return replace(_stopped(life), state=SourceState.WAITING, due_s=now_s)
        case ((SourceState.WAITING | SourceState.FAILED), Happening.DUE) if life.due_s is not None:
            return replace(life, state=SourceState.LOADING, due_s=None, restarts=life.restarts + 1)
    raise LifeError(f"{happening} cannot happen to a source that is {life.state}")


def _ran_s(life: Life, now_s: float) -> float:
    """How long it sounded. Silence at the end does not count."""
    if life.sounding_since_s is None:
        return 0.0
    return (now_s if life.silent_since_s is None else life.silent_since_s) - life.sounding_since_s


def _stopped(life: Life) -> Life:
    """`life` without its sound; if there was some, it broke off."""
    broke_off = life.sounding_since_s is not None
    return replace(life, sounding_since_s=None, silent_since_s=None, gaps=life.gaps + broke_off)


def _ended(life: Life, now_s: float) -> Life:
    if not life.permanent:
        return replace(life, state=SourceState.ENDED, sounding_since_s=None, silent_since_s=None)
    failures = 1 if _ran_s(life, now_s) >= REAL_RUN_S else life.failures + 1
    due_s = now_s + POLICY.delay_s(failures)
    return replace(_stopped(life), state=SourceState.WAITING, failures=failures, due_s=due_s)


def _failed(life: Life, now_s: float, failure: Failure) -> Life:
    failures = POLICY.failures_after(life.failures, _ran_s(life, now_s))
    life = replace(_stopped(life), failures=failures, failure=failure)
    if not life.permanent and not failure.fault.replaceable:
        return replace(life, state=SourceState.FAILED)
    if failure.fault.lasting:
        return replace(life, state=SourceState.FAILED, due_s=now_s + LASTING_DELAY_S)
    return replace(life, state=SourceState.WAITING, due_s=now_s + POLICY.delay_s(failures))
