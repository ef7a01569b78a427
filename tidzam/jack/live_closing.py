"""When the port of a live stream that has ended is silenced and removed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

CLOSED_S: Final = 0.8
"""How long closing a port may take. It is to be free within a second of its client leaving, which others have to notice
as well."""
POLL_S: Final = 0.02
"""How often the steps of closing are taken."""
_CYCLES: Final = 2
"""JACK cycles that closing takes: one to play silence, and one until the callback no longer uses the port."""
_POLLS: Final = 2


class ClosingStep(Enum):
    """What to do with the port: let its stream play on, play silence, or remove it."""

    PLAY = auto()
    SILENCE = auto()
    REMOVE = auto()


@dataclass(frozen=True)
class PortClosing:
    """The end of a stream at `ended_s`, in seconds of a clock that never goes back.

    What it has buffered is played as far as that leaves time for the rest: one cycle of silence, lest JACK repeat what
    was played last, and the removal of the port. `cycle_s` is how long a JACK cycle takes. A server whose cycles stand
    still is waited for no longer than twice CLOSED_S.
    """

    ended_s: float
    cycle_s: float

    @property
    def drain_s(self) -> float:
        """For how long the stream may play on."""
        return max(0.0, CLOSED_S - _CYCLES * self.cycle_s - _POLLS * POLL_S)

    def step(self, now_s: float, *, has_ended: bool, is_silent: bool) -> ClosingStep:
        """The next step. `has_ended` is whether all was played, `is_silent` whether silence was played since."""
        passed_s = now_s - self.ended_s
        if not has_ended and passed_s < self.drain_s:
            return ClosingStep.PLAY
        return ClosingStep.REMOVE if is_silent or passed_s >= 2 * CLOSED_S else ClosingStep.SILENCE
