"""How long a session lasts. Pure: times are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tidzam.config.console import ConsoleSettings

TOUCH_EVERY: Final = timedelta(minutes=1)
"""How exactly the last use of a session is known: not every request writes to the database."""


@dataclass(frozen=True, kw_only=True)
class SessionPolicy:
    """A session ends `idle` after its last use, and `longest` after the log-in in any case."""

    idle: timedelta
    longest: timedelta

    @classmethod
    def of(cls, settings: ConsoleSettings) -> SessionPolicy:
        return cls(idle=timedelta(hours=settings.session_idle_h), longest=timedelta(days=settings.session_days))

    def end(self, *, created: datetime, last_used: datetime) -> datetime:
        """When a session ends if it is not used again."""
        return min(created + self.longest, last_used + self.idle)

    def is_live(self, *, created: datetime, last_used: datetime, now: datetime) -> bool:
        return now < self.end(created=created, last_used=last_used)


def is_due(last_used: datetime, now: datetime) -> bool:
    """Whether the last use is to be written again."""
    return now - last_used >= TOUCH_EVERY
