"""How fast files grow, and when the disk is full at that rate. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

RATE_DAYS: Final = 7.0
LONGEST_DAYS: Final = 3650
_DAY_S: Final = 86400.0
_LEAST_DAYS: Final = 1 / 24


class WrittenFile(NamedTuple):
    """A file that was written once: when, in seconds since the epoch, and its size."""

    time_s: float
    bytes: int


@dataclass(frozen=True)
class Growing:
    """Files that grow by `per_day` bytes per day, up to `limit_bytes`, at which the oldest ones are deleted; None for
    files that nothing deletes. Those that `yields` are deleted while the disk is too full."""

    bytes: int
    per_day: float
    limit_bytes: float | None = None
    yields: bool = False

    def growth(self, days: float) -> float:
        """The bytes by which they grow in some days."""
        grown = self.per_day * days
        return grown if self.limit_bytes is None else max(0.0, min(grown, self.limit_bytes - self.bytes))


def written_per_day(files: Collection[WrittenFile], now_s: float) -> float:
    """The bytes written per day, over the last seven days; if there are no older files, since the oldest, but over an
    hour at least."""
    age_days = (now_s - min((file.time_s for file in files), default=now_s)) / _DAY_S
    recent = sum(file.bytes for file in files if now_s - file.time_s <= RATE_DAYS * _DAY_S)
    return recent / min(RATE_DAYS, max(_LEAST_DAYS, age_days))


def days_until_full(free_bytes: int, kinds: Iterable[Growing]) -> float | None:
    """The days until what grows has taken all that is free; None if that takes more than ten years.

    Files that yield do not fill the disk: they make room for the others, until nothing is left of them.
    """
    kinds = tuple(kinds)
    room = free_bytes + sum(kind.bytes for kind in kinds if kind.yields)
    growing = [kind for kind in kinds if not kind.yields]

    def grown(days: float) -> float:
        return sum(kind.growth(days) for kind in growing)

    if grown(LONGEST_DAYS) < room:
        return None
    low, high = 0.0, float(LONGEST_DAYS)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if grown(middle) < room else (low, middle)
    return high


def limit_of(per_day: float, *, days: float | None, gigabytes: float | None) -> float | None:
    """The size at which files stop growing that are deleted after `days`, or above `gigabytes`; None without limits."""
    limits = [per_day * days] if days is not None else []
    if gigabytes is not None:
        limits.append(gigabytes * 1e9)
    return min(limits, default=None)
