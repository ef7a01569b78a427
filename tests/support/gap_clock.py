"""A clock for tests of the gap ledger, which moves only when the test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tidzam.clocks import Moment

NOON = datetime(2026, 11, 27, 12, 30, tzinfo=UTC)


class SetClock:
    """`utc` is the time of day, which may be set; `pass_s` lets time pass."""

    def __init__(self, utc: datetime = NOON) -> None:
        self._moment = Moment(utc, 1000.0, 1000.0)

    def __call__(self) -> Moment:
        return self._moment

    @property
    def utc(self) -> datetime:
        return self._moment.utc

    def pass_s(self, seconds: float, *, asleep: bool = False) -> None:
        later = self._moment.after(seconds)
        self._moment = Moment(later.utc, later.elapsed_s, self._moment.awake_s if asleep else later.awake_s)

    def set_by(self, seconds: float) -> None:
        """Somebody sets the time of day."""
        utc = self._moment.utc + timedelta(seconds=seconds)
        self._moment = Moment(utc, self._moment.elapsed_s, self._moment.awake_s)
