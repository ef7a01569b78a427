"""When the frames of a source are due, on a clock that follows that of the source. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

_MAX_DEVIATION: Final = 5e-4
"""How much faster or slower than nominal frames may be due: more than any sound card or server deviates."""
_PER_S: Final = 2e-3
"""How much faster frames are due for each second by which more are waiting than should be."""


@dataclass(frozen=True)
class Pace:
    """Frames of a source and the monotonic times at which they are due.

    A source has a clock of its own, which deviates a little from that of this machine. Frames are due a little faster
    while more of them are waiting than the `target_s`, and slower while fewer are: what is waiting evens out how
    irregularly audio arrives. Frames are due `target_s` after they arrive.
    """

    rate_hz: int
    target_s: float
    frame: float
    now_s: float
    speed: float = 1.0

    @classmethod
    def begin(cls, *, rate_hz: int, target_s: float, frame: int, now_s: float) -> Pace:
        """The pace if the first frames arrive at `now_s`: the first is `frame`."""
        return cls(rate_hz, target_s, frame - target_s * rate_hz, now_s)

    def due(self, now_s: float) -> int:
        """All frames before this one are due."""
        return int(self.frame + (now_s - self.now_s) * self.rate_hz * self.speed)

    def after(self, waiting_frames: int, now_s: float) -> Pace:
        """The pace if at `now_s` so many frames are waiting that are not due yet; negative: so many due ones are not
        there."""
        excess_s = waiting_frames / self.rate_hz - self.target_s
        speed = 1.0 + min(max(_PER_S * excess_s, -_MAX_DEVIATION), _MAX_DEVIATION)
        frame = self.frame + (now_s - self.now_s) * self.rate_hz * self.speed
        return replace(self, frame=frame, now_s=now_s, speed=speed)
