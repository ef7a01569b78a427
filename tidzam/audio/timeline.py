"""Conversion between frames of the JACK clock and UTC. Pure values: no clock is read here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_KEPT: Final = 64
_JUMP_S: Final = 0.05
_FIT_FRAMES_S: Final = 10.0
_MAX_DRIFT: Final = 1e-3


@dataclass(frozen=True)
class ClockPair:
    """A reading of both clocks at once: a frame, and seconds since 1970 (UTC)."""

    frame: int
    utc_s: float


@dataclass(frozen=True)
class Timeline:
    """Frames and times (UTC), from the last readings of both clocks.

    A straight line through the readings evens out their jitter and follows a sound card whose rate deviates
    from `rate_hz`. A reading that is off that line by more than 50 ms means that a clock was set or stood still: a new
    line begins there. Until the readings span ten seconds, frames are taken to last exactly 1 / rate_hz.
    """

    rate_hz: int
    pairs: tuple[ClockPair, ...]
    _mean_frame: float = 0.0
    _mean_s: float = 0.0
    _frame_s: float = 0.0

    @classmethod
    def begin(cls, rate_hz: int, pair: ClockPair) -> Timeline:
        """The timeline after its first reading."""
        return cls(rate_hz, (pair,), pair.frame, pair.utc_s, 1 / rate_hz)

    def with_pair(self, pair: ClockPair) -> Timeline:
        """The timeline after one more reading."""
        if abs(pair.utc_s - self.utc_s(pair.frame)) > _JUMP_S:
            return Timeline.begin(self.rate_hz, pair)
        pairs = (*self.pairs, pair)[-_KEPT:]
        mean_frame = sum(p.frame for p in pairs) / len(pairs)
        mean_s = pairs[0].utc_s + sum(p.utc_s - pairs[0].utc_s for p in pairs) / len(pairs)
        frame_s = 1 / self.rate_hz
        if pairs[-1].frame - pairs[0].frame > _FIT_FRAMES_S * self.rate_hz:
            spread = sum((p.frame - mean_frame) ** 2 for p in pairs)
            slope = sum((p.frame - mean_frame) * (p.utc_s - mean_s) for p in pairs) / spread
            frame_s = min(max(slope, frame_s * (1 - _MAX_DRIFT)), frame_s * (1 + _MAX_DRIFT))
        return replace(self, pairs=pairs, _mean_frame=mean_frame, _mean_s=mean_s, _frame_s=frame_s)

    def utc_s(self, frame: int) -> float:
        """Seconds since 1970 at which `frame` began."""
        return self._mean_s + (frame - self._mean_frame) * self._frame_s

    def time_of(self, frame: int) -> datetime:
        """The time (UTC) at which `frame` began, to the microsecond."""
        return _EPOCH + timedelta(seconds=self.utc_s(frame))

    def frame_at(self, time: datetime) -> int:
        """The frame nearest to a time."""
        return self.frame_at_s((time - _EPOCH).total_seconds())

    def frame_at_s(self, utc_s: float) -> int:
        """The frame nearest to a time in seconds since 1970."""
        return round((utc_s - self._mean_s) / self._frame_s + self._mean_frame)
