"""Merges short gaps that repeat, so that the ledger stays small. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from tidzam.gaps.records import Gap, GapReason

SHORT_S: Final = 1.0
"""Gaps shorter than this are merged."""
MERGE_S: Final = 60.0
"""For how long gaps of one channel and reason are merged into one record."""


@dataclass(frozen=True)
class _Merging:
    since_s: float
    merged: Gap | None = None


class ShortGaps:
    """Passes the first short gap of a channel and a reason, and merges those that follow within MERGE_S.

    Times are seconds of any clock that never goes back.
    """

    def __init__(self) -> None:
        self._merging: dict[tuple[str, GapReason], _Merging] = {}

    def add(self, gap: Gap, now_s: float) -> tuple[Gap, ...]:
        """The records to write at once for `gap`, which has just ended."""
        if gap.seconds >= SHORT_S:
            return (gap,)
        due = self.due(now_s)
        key = gap.channel, gap.reason
        merging = self._merging.get(key)
        if merging is None:
            self._merging[key] = _Merging(now_s)
            return (*due, gap)
        self._merging[key] = replace(merging, merged=_merged(merging.merged, gap))
        return due

    def due(self, now_s: float) -> tuple[Gap, ...]:
        """The merged records whose time is over."""
        over = [key for key, merging in self._merging.items() if now_s - merging.since_s >= MERGE_S]
        return tuple(self._take(over))

    def flush(self) -> tuple[Gap, ...]:
        """All merged records."""
        return tuple(self._take(list(self._merging)))

    def _take(self, keys: list[tuple[str, GapReason]]) -> Iterator[Gap]:
        for key in keys:
            merged = self._merging.pop(key).merged
            if merged is not None:
                yield merged


def _merged(merged: Gap | None, gap: Gap) -> Gap:
    if merged is None:
        return gap
    end = merged.end + timedelta(seconds=gap.seconds)
    return replace(merged, end=end, count=merged.count + gap.count)
