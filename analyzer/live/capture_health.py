"""Whether capture works, judged by what changes: the process's messages, JACK's cycles, and the ring. Pure.

A process that hangs keeps its pipes and its memory open. A capture process that hangs is replaced; a JACK server that
hangs is waited for, since a new client would wait for it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

START_S: Final = 10.0
"""The time until the first message: a busy machine imports slowly."""
CAPTURE_SILENT_S: Final = 4.0
"""The capture process reports every second. Including the start of a new one, it is replaced within ten seconds."""
JACK_SILENT_S: Final = 1.7
"""JACK's cycles last a fraction of a second, and are checked every second."""
RING_SILENT_S: Final = 4.0
JACK_WAITS_S: Final = 20.0
"""After this, a new process is started: the old one may hang rather than the server."""


class CaptureState(Enum):
    """The part of capture that does not work, if any."""

    WELL = auto()
    STARTING = auto()
    JACK_WAITS = auto()
    """The JACK server has not accepted the capture process as a client."""
    JACK_STALLED = auto()
    """The capture process is running, but JACK's cycles have stopped."""
    CAPTURE_HANGS = auto()
    """The capture process is silent, or JACK's cycles do not reach the ring."""


@dataclass
class _LastChange:
    """A value, and when it last changed."""

    value: int | None
    since_s: float

    def see(self, value: int | None, now_s: float) -> None:
        if value != self.value:
            self.value, self.since_s = value, now_s


class CaptureMonitor:
    """The observations of one capture process. All times are seconds of a monotonic clock."""

    def __init__(self, now_s: float) -> None:
        self._last_report_s = now_s
        self._cycle, self._written = _LastChange(None, now_s), _LastChange(None, now_s)
        self._has_reported = False

    def alive(self, cycle: int | None, now_s: float) -> None:
        """The process sent a sign of life, with the frame of JACK's last cycle."""
        if self._cycle.value is None or self._last_report_s - self._cycle.since_s >= JACK_SILENT_S:
            self._written.since_s = now_s  # JACK has just resumed; the ring follows
        self._has_reported = True
        self._last_report_s = now_s
        self._cycle.see(cycle, now_s)

    def written(self, frame: int, now_s: float) -> None:
        """The ring is written up to `frame`."""
        self._written.see(frame, now_s)

    def forgive(self, now_s: float) -> None:
        """This process itself did not run for a while: do not count that time."""
        self._last_report_s = self._cycle.since_s = self._written.since_s = now_s

    def state(self, now_s: float) -> CaptureState:
        """The state at `now_s`."""
        silent_s = now_s - self._last_report_s
        if not self._has_reported:
            return CaptureState.CAPTURE_HANGS if silent_s > START_S else CaptureState.STARTING
        if self._cycle.value is None:  # it waits in a JACK call, and cannot report
            waits = CaptureState.JACK_WAITS if silent_s > JACK_SILENT_S else CaptureState.STARTING
            return CaptureState.CAPTURE_HANGS if silent_s > JACK_WAITS_S else waits
        if silent_s > CAPTURE_SILENT_S:
            return CaptureState.CAPTURE_HANGS
        if self._last_report_s - self._cycle.since_s >= JACK_SILENT_S:
            return CaptureState.JACK_STALLED
        return CaptureState.CAPTURE_HANGS if now_s - self._written.since_s > RING_SILENT_S else CaptureState.WELL
