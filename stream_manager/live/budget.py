"""How much audio a client may send: what is played in the meantime, and what may be buffered. Pure."""

from __future__ import annotations

from typing import Final

_FASTEST: Final = 1.01
"""No working clock is faster than this. What a stream really has buffered is counted where it is played."""


class AudioBudget:
    """A leaky bucket of `buffer_s` seconds of audio, which empties in real time."""

    def __init__(self, *, buffer_s: float, now_s: float) -> None:
        self._buffer_s, self._level_s, self._updated_s = buffer_s, 0.0, now_s

    def admits(self, duration_s: float, now_s: float) -> bool:
        """Whether another `duration_s` of audio fits; if it does, it is added."""
        self._level_s = max(0.0, self._level_s - _FASTEST * (now_s - self._updated_s))
        self._updated_s = now_s
        if self._level_s + duration_s > self._buffer_s:
            return False
        self._level_s += duration_s
        return True
