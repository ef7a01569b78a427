"""Measures from the positions of a player how much audio an interruption has cost. Pure."""

from __future__ import annotations

from typing import Final

UNDERRUN_S: Final = 0.01
"""After an underrun, a delay of this much is an interruption."""
STALL_S: Final = 0.25
"""Without one, a delay must be longer: positions are only as exact as the buffers of the player and of JACK."""


class ProgressMeter:
    """Compares the position in the media with the time that has passed. Times are seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._last: tuple[float, float] | None = None
        self._underrun = False

    def underrun(self) -> None:
        """The player reported an underrun: it is measured at the next position that has moved."""
        self._underrun = True

    def lost_s(self, asked_s: float, answered_s: float, position_s: float | None) -> float | None:
        """The seconds that were interrupted since the last position; None if none were, or if they last.

        The position was that of some time from `asked_s` to `answered_s`: where this program was late, less is certain.
        A position that jumps, as at the end of a loop, measures nothing.
        """
        last = self._last
        if position_s is None or (last is not None and position_s == last[1]):
            return None
        self._last, underrun, self._underrun = (answered_s, position_s), self._underrun, False
        if last is None or position_s < last[1]:
            return None
        lost_s = (asked_s - last[0]) - (position_s - last[1])
        return lost_s if lost_s > (UNDERRUN_S if underrun else STALL_S) else None
