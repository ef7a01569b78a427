"""Hours and days by the clock of a node, as numbers that the store groups by."""

from __future__ import annotations

from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Final

_EPOCH_DAY: Final = date(1970, 1, 1)
HOURS: Final = 24


def local_hour(time: datetime, zone: tzinfo) -> int:
    """The hours from 1970-01-01 00:00 to a time, both by the clock of `zone`. In the hour that a clock goes through
    twice, both have one number.

    >>> from datetime import UTC
    >>> local_hour(datetime(1970, 1, 2, 3, 59, tzinfo=UTC), UTC)
    27
    """
    there = time.astimezone(zone)
    return HOURS * day_number(there.date()) + there.hour


def day_number(day: date) -> int:
    """The days from 1970-01-01 to `day`."""
    return (day - _EPOCH_DAY).days


@lru_cache(4096)
def day_of(number: int) -> date:
    """The inverse of `day_number`."""
    return _EPOCH_DAY + timedelta(days=number)
