"""When a disk is full at the present rate. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

LONGEST_DAYS: Final = 3650


@dataclass(frozen=True)
class Growing:
    """Files that grow by `per_day` bytes per day, up to `limit_bytes`, at which the oldest ones are deleted; None for
    files that nothing deletes."""

    bytes: int
    per_day: float
    limit_bytes: float | None = None

    def after(self, days: float) -> float:
        """Their size in bytes after some days."""
        grown = self.bytes + self.per_day * days
        return grown if self.limit_bytes is None else max(float(self.bytes), min(grown, self.limit_bytes))


def days_until_full(free_bytes: int, kinds: Iterable[Growing]) -> float | None:
    """The days until what grows has taken all that is free; None if that takes more than ten years."""
    kinds = tuple(kinds)

    def grown(days: float) -> float:
        return sum(kind.after(days) - kind.bytes for kind in kinds)

    if grown(LONGEST_DAYS) < free_bytes:
        return None
    low, high = 0.0, float(LONGEST_DAYS)
    while high - low > 0.01:
        middle = (low + high) / 2
        low, high = (middle, high) if grown(middle) < free_bytes else (low, middle)
    return high


def limit_of(per_day: float, *, days: float | None, gigabytes: float | None) -> float | None:
    """The size at which files stop growing that are deleted after `days`, or above `gigabytes`; None without limits."""
    limits = [per_day * days] if days is not None else []
    if gigabytes is not None:
        limits.append(gigabytes * 1e9)
    return min(limits, default=None)
