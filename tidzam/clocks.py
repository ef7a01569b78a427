"""The clocks of this machine, read together, by which time that has passed differs from a clock that was set."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Moment:
    """A reading of three clocks: the time of day, the seconds that have passed, and those without suspension."""

    utc: datetime
    elapsed_s: float
    awake_s: float

    def after(self, seconds: float) -> Moment:
        """The moment `seconds` later, if no clock is set meanwhile."""
        return Moment(self.utc + timedelta(seconds=seconds), self.elapsed_s + seconds, self.awake_s + seconds)


Clock = Callable[[], Moment]


def system_clock() -> Moment:
    """The clocks of this machine. `elapsed_s` includes the time for which it was suspended."""
    boot, awake = (time.clock_gettime(clock) for clock in (time.CLOCK_BOOTTIME, time.CLOCK_MONOTONIC))
    return Moment(datetime.now(UTC), boot, awake)
