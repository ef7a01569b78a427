"""The gaps of each loaded source since the program started: their number, total length and the last one. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tidzam.gaps.records import ALL, Gap, GapReason
from tidzam.naming import source_of


@dataclass(frozen=True)
class LastGap:
    """The gap that began last. `end` is None while it lasts."""

    reason: GapReason
    start: datetime
    end: datetime | None


@dataclass(frozen=True)
class GapTotals:
    """The gaps of a source and of its channels. In `seconds`, those that overlap are counted once, and holes in
    recordings are not."""

    count: int = 0
    seconds: float = 0.0
    by_reason: Mapping[GapReason, float] = field(default_factory=dict)
    last: LastGap | None = None


@dataclass
class _Running:
    count: int = 0
    seconds: float = 0.0
    by_reason: dict[GapReason, float] = field(default_factory=dict)
    last: LastGap | None = None
    open: dict[tuple[str, GapReason], float] = field(default_factory=dict)
    """The gaps that last, each since when."""
    since_s: float = 0.0
    """Since when there has been at least one."""

    def begin(self, key: tuple[str, GapReason], start: datetime, since_s: float) -> None:
        if not self.open:
            self.since_s = since_s
        self.open[key] = since_s
        self.count += 1
        self.last = LastGap(key[1], start, None)

    def end(self, key: tuple[str, GapReason], end: datetime, now_s: float) -> None:
        since_s = self.open.pop(key, None)
        if since_s is None:
            return
        reason = key[1]
        self.by_reason[reason] = self.by_reason.get(reason, 0.0) + now_s - since_s
        if not self.open:
            self.seconds += now_s - self.since_s
        if self.last is not None and self.last.reason is reason and self.last.end is None:
            self.last = LastGap(reason, self.last.start, end)

    def add(self, reason: GapReason, start: datetime, end: datetime, count: int, *, is_past: bool) -> None:
        seconds = (end - start).total_seconds()
        self.count += count
        self.by_reason[reason] = self.by_reason.get(reason, 0.0) + seconds
        if not self.open:
            self.seconds += 0.0 if is_past else seconds
            self.last = LastGap(reason, start, end)

    def totals(self, now_s: float) -> GapTotals:
        by_reason = dict(self.by_reason)
        for (_, reason), since_s in self.open.items():
            by_reason[reason] = by_reason.get(reason, 0.0) + now_s - since_s
        lasting_s = now_s - self.since_s if self.open else 0.0
        return GapTotals(self.count, self.seconds + lasting_s, by_reason, self.last)


class SourceTotals:
    """Adds up the gaps of loaded sources. `now_s` and `since_s` are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._sources: dict[str, _Running] = {}
        self._everywhere: dict[GapReason, tuple[datetime, float]] = {}
        """The gaps of all channels that last."""

    def load(self, source: str, now: datetime, now_s: float) -> None:
        """Count from now on, from zero."""
        running = self._sources[source] = _Running()
        for reason in self._everywhere:
            running.begin((ALL, reason), now, now_s)

    def unload(self, source: str) -> None:
        self._sources.pop(source, None)

    def begin(self, channel: str, reason: GapReason, start: datetime, since_s: float) -> None:
        if channel == ALL:
            self._everywhere[reason] = start, since_s
        for running in self._of(channel):
            running.begin((channel, reason), start, since_s)

    def end(self, channel: str, reason: GapReason, end: datetime, now_s: float) -> None:
        if channel == ALL:
            self._everywhere.pop(reason, None)
        for running in self._of(channel):
            running.end((channel, reason), end, now_s)

    def add(self, gap: Gap) -> None:
        """A gap that is over."""
        for running in self._of(gap.channel):
            running.add(gap.reason, gap.start, gap.end, gap.count, is_past=gap.is_past)

    def of(self, source: str, now_s: float) -> GapTotals:
        """The totals of a source; zero if it is not loaded."""
        running = self._sources.get(source)
        return GapTotals() if running is None else running.totals(now_s)

    def _of(self, channel: str) -> list[_Running]:
        if channel == ALL:
            return list(self._sources.values())
        running = self._sources.get(source_of(channel))
        return [] if running is None else [running]
