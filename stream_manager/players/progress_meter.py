"""Measures from the positions of a player how much audio an interruption has cost. Pure."""

from __future__ import annotations

from typing import Final

UNDERRUN_S: Final = 0.01
"""After an underrun, a delay of this much is an interruption."""
STALL_S: Final = 0.25
"""Without one, a delay must be longer: positions are only as exact as the buffers of the player and of JACK."""


class ProgressMeter:
    """Compares the position in the media with the time that has passed. Times are seconds of a monotonic clock.

    `round_s` is the duration of media that are repeated without an end; None for others. In the time of a round, a
    position may have moved by any number of rounds.
    """

    def __init__(self, *, round_s: float | None = None) -> None:
        self._round_s = round_s
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
        lost_s = self._without_rounds((asked_s - last[0]) - (position_s - last[1]), answered_s - last[0])
        return lost_s if lost_s > (UNDERRUN_S if underrun else STALL_S) else None

    def _without_rounds(self, lost_s: float, passed_s: float) -> float:
        """What remains of `lost_s` if as many rounds as possible were played in `passed_s`."""
        if not self._round_s or passed_s < self._round_s - STALL_S:
            return lost_s
        return lost_s - self._round_s * round(lost_s / self._round_s)
