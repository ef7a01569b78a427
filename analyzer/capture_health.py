"""Whether capture works, judged by what changes: the process's messages, JACK's cycles, and the ring. Pure.

A process that hangs keeps its pipes and its memory, and nothing ends. The remedy depends on what hangs: a capture
process is replaced; a JACK server is waited for, since a new client would only wait there, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

START_S: Final = 10.0
"""The time until the first message: a busy machine imports slowly."""
CAPTURE_SILENT_S: Final = 4.0
"""The capture process speaks every second. Together with its start, it is replaced within ten."""
JACK_SILENT_S: Final = 1.7
"""JACK's cycles last a fraction of a second, and are looked at every second."""
RING_SILENT_S: Final = 4.0
JACK_WAITS_S: Final = 20.0
"""After this, a new process tries: the old one may hang, and not the server."""


class CaptureState(Enum):
    """What works, and what does not."""

    WELL = auto()
    STARTING = auto()
    JACK_WAITS = auto()
    """The JACK server has not admitted the capture process."""
    JACK_STALLED = auto()
    """The capture process is running, but JACK's cycles have stopped."""
    CAPTURE_HANGS = auto()
    """The capture process is silent, or JACK's cycles do not reach the ring."""


@dataclass
class _Moving:
    """A value, and when it last changed."""

    value: int | None
    since_s: float

    def see(self, value: int | None, now_s: float) -> None:
        if value != self.value:
            self.value, self.since_s = value, now_s


class CaptureMonitor:
    """The observations of one capture process. All times are seconds of a monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._spoke_s = now_s
        self._cycle, self._written = _Moving(None, now_s), _Moving(None, now_s)
        self._spoken = False

    def alive(self, cycle: int | None, now_s: float) -> None:
        """The process sent a sign of life, with the frame of JACK's last cycle."""
        if self._cycle.value is None or self._spoke_s - self._cycle.since_s >= JACK_SILENT_S:
            self._written.since_s = now_s  # JACK has just continued, and the ring is yet to follow
        self._spoken = True
        self._spoke_s = now_s
        self._cycle.see(cycle, now_s)

    def written(self, frame: int, now_s: float) -> None:
        """The ring is written up to `frame`."""
        self._written.see(frame, now_s)

    def forgive(self, now_s: float) -> None:
        """This process itself did not run for a while: do not count that time."""
        self._spoke_s = self._cycle.since_s = self._written.since_s = now_s

    def verdict(self, now_s: float) -> CaptureState:
        """The state at `now_s`."""
        silent_s = now_s - self._spoke_s
        if not self._spoken:
            return CaptureState.CAPTURE_HANGS if silent_s > START_S else CaptureState.STARTING
        if self._cycle.value is None:  # it waits in a call of JACK's, and cannot speak
            waits = CaptureState.JACK_WAITS if silent_s > JACK_SILENT_S else CaptureState.STARTING
            return CaptureState.CAPTURE_HANGS if silent_s > JACK_WAITS_S else waits
        if silent_s > CAPTURE_SILENT_S:
            return CaptureState.CAPTURE_HANGS
        if self._spoke_s - self._cycle.since_s >= JACK_SILENT_S:
            return CaptureState.JACK_STALLED
        return CaptureState.CAPTURE_HANGS if now_s - self._written.since_s > RING_SILENT_S else CaptureState.WELL
