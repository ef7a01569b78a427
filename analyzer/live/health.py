"""The state of live analysis: counts, rates and faults."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tidzam.protocol.analyzer import AnalyzerFault

_RATE_OVER_S: Final = 10.0


class LiveStatistics:
    """Counts since the start, and rates over the last seconds.

    `lag_s` is the time from the end of the last window (JACK's clock) to the end of its analysis; 0 if that was early,
    as JACK delivers a period at its beginning. `dropped_windows` were captured but not analyzed, to keep up.
    """

    def __init__(self) -> None:
        self.lost_frames = self.gaps = self.windows = self.dropped_windows = 0
        self.lag_s = 0.0
        self._recent: deque[tuple[float, int]] = deque()
        self._started = time.monotonic()

    def lost(self, frames: int) -> None:
        self.lost_frames += frames
        self.gaps += 1

    def analyzed(self, windows: int, *, lag_s: float) -> None:
        self.windows += windows
        self.lag_s = lag_s
        self._recent.append((time.monotonic(), windows))
        self._forget()

    def _forget(self) -> None:
        while len(self._recent) > 1 and self._recent[0][0] < time.monotonic() - _RATE_OVER_S:
            self._recent.popleft()

    def age_s(self) -> float | None:
        """Seconds since the last analysis."""
        return time.monotonic() - self._recent[-1][0] if self._recent else None

    def windows_per_s(self) -> float:
        over_s = min(_RATE_OVER_S, max(1.0, time.monotonic() - self._started))
        recent = (count for time_s, count in self._recent if time_s >= time.monotonic() - over_s)
        return sum(recent) / over_s


@dataclass(frozen=True)
class LiveHealth:
    """The state of live analysis. `faults` keep it from working; `remarks` do not."""

    faults: tuple[AnalyzerFault, ...]
    remarks: tuple[str, ...]
    channels: tuple[str, ...]
    capture_pid: int | None
    rate_hz: int | None
    statistics: LiveStatistics
    replaced_samples: int = 0
    """Samples that were no audio, and were replaced with silence."""
    heard_s: Mapping[str, float] = field(default_factory=dict)
    """For how long each channel has been captured."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The messages of the faults."""
        return tuple(fault.message for fault in self.faults)
