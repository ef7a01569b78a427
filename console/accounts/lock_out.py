"""When log-ins are refused after wrong passwords. Pure: times are arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from tidzam.config.console import LockOutSettings


@dataclass(frozen=True, kw_only=True)
class LockOutPolicy:
    """At most `failures` wrong passwords per user name and address, and `address_failures` per address, in `window`."""

    failures: int
    address_failures: int
    window: timedelta

    @classmethod
    def of(cls, settings: LockOutSettings) -> LockOutPolicy:
        return cls(
            failures=settings.failures,
            address_failures=settings.address_failures,
            window=timedelta(minutes=settings.minutes),
        )

    def locked_until(
        self, *, of_name: Sequence[datetime], of_address: Sequence[datetime], now: datetime
    ) -> datetime | None:
        """When the next attempt is allowed, None if it is now.

        `of_name` are the times of wrong passwords for this name from this address since its last log-in, `of_address`
        those from the address for any name, each in ascending order.
        """
        ends = [
            end
            for times, limit in ((of_name, self.failures), (of_address, self.address_failures))
            if (end := self._end(times, limit, now)) is not None
        ]
        return max(ends, default=None)

    def _end(self, times: Sequence[datetime], limit: int, now: datetime) -> datetime | None:
        recent = [time for time in times if now - self.window < time <= now]
        return recent[-limit] + self.window if len(recent) >= limit else None
