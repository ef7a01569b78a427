"""Where a page of rows ends, and the next one begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tidzam.store.base import from_microseconds, to_microseconds


@dataclass(frozen=True, order=True)
class TimeCursor:
    """A place in the order of rows by their starts: pages go on with those that are older."""

    start: datetime
    id: int

    def __str__(self) -> str:
        return f"{to_microseconds(self.start)}-{self.id}"

    @classmethod
    def parse(cls, text: str) -> TimeCursor:
        """The inverse of `str`. Raises ValueError."""
        start, _, number = text.partition("-")
        try:
            place = cls(from_microseconds(int(start)), int(number))
        except OverflowError:
            raise ValueError("the time is beyond what calendars know") from None
        if not 0 <= place.id < 1 << 63:
            raise ValueError("the number is beyond 63 bits")
        return place
