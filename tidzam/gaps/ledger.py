"""The gap ledger of one program: records when sources were loaded and when their channels had no valid audio."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Never

from tidzam.clocks import Clock, Moment, system_clock
from tidzam.file_ages import FileAges
from tidzam.gaps import day_files
from tidzam.gaps.open_state import BEAT_S, OpenGap, OpenSource, OpenState
from tidzam.gaps.records import ALL, Gap, GapReason, Record
from tidzam.gaps.short_gaps import ShortGaps
from tidzam.gaps.totals import GapTotals, SourceTotals
from tidzam.naming import source_of

log = logging.getLogger(__name__)

JUMP_S: Final = 1.0
"""If the time of day differs from the time that has passed by more than this, the clock was set."""
CHECK_S: Final = 1.0
"""How often the ledger checks the clock. Until it has, a reader takes the program for dead since the clock was set."""
MAX_UNWRITTEN: Final = 10_000
"""How many records wait for a disk that is full; the oldest are dropped."""


class GapLedger:
    """Appends to the files in `folder`; without one, gaps are only counted.

    `writer` names the program, and `death` is the reason of the gap while it is dead. What an earlier run left open is
    recorded as far as it is known. Faults of the disk are logged and never raised: records wait until there is space.
    `run` records that the program is alive; call `close` at the end. All methods must be called in one thread.
    """

    def __init__(
        self,
        folder: Path | None,
        *,
        writer: str,
        death: GapReason = GapReason.NODE_DOWN,
        keep_days: int | None = None,
        clock: Clock = system_clock,
        on_record: Callable[[Record], None] = lambda record: None,
    ) -> None:
        """`on_record` is called with each record that is written. It must not wait."""
        self._on_record = on_record
        self._folder, self._keep_days, self._clock = folder, keep_days, clock
        self._ages = None if folder is None else FileAges(folder / f".{writer}.ages.json", clock=clock)
        self._last = clock()
        self._state = OpenState(writer, death, self._last.utc)
        self._short, self._totals = ShortGaps(), SourceTotals()
        self._unwritten: deque[Record] = deque(maxlen=MAX_UNWRITTEN)
        self._disk_fault, self._closed = "", False
        self._recover()
        self._save()

    def load(self, source: str, channels: int = 0, *, returns: bool = True) -> None:
        """Sound of `source` is expected from now on, on as many channels; 0 if their number is not known.

        A single JACK port, such as that of a live stream, may be a `source` as well.
        `returns` is whether it is loaded again by itself if the program dies.
        """
        now = self._now()
        known = next((one for one in self._state.sources if one.source == source), None)
        if known is not None and known.channels == channels:
            return
        if known is None:
            self._totals.load(source, now.utc, now.elapsed_s)
        self._end_source(source, now)
        loaded = OpenSource(source, channels, now.utc, returns)
        self._state = replace(self._state, sources=(*self._state.sources, loaded))
        self._save()

    def unload(self, source: str) -> None:
        """No sound of `source` is expected from now on; its gaps end."""
        now = self._now()
        for gap in self._state.gaps:
            if source in (gap.channel, source_of(gap.channel)):
                self.end(gap.channel, gap.reason)
        self._end_source(source, now)
        self._totals.unload(source)
        self._save()

    def begin(self, channel: str, reason: GapReason, *, ago_s: float = 0.0) -> None:
        """A gap of `channel` (a port, a source or ALL) began `ago_s` seconds ago, unless one of this reason lasts."""
        now = self._now()
        if any((gap.channel, gap.reason) == (channel, reason) for gap in self._state.gaps):
            return
        start = now.utc - timedelta(seconds=ago_s)
        self._state = replace(self._state, gaps=(*self._state.gaps, OpenGap(channel, reason, start)))
        self._totals.begin(channel, reason, start, now.elapsed_s - ago_s)
        self._save()

    def end(self, channel: str, reason: GapReason) -> None:
        """The gap of `channel` for this reason, if there is one, ends now."""
        now = self._now()
        ended = [gap for gap in self._state.gaps if (gap.channel, gap.reason) == (channel, reason)]
        if not ended:
            return
        self._state = replace(self._state, gaps=tuple(gap for gap in self._state.gaps if gap not in ended))
        self._totals.end(channel, reason, now.utc, now.elapsed_s)
        self._append(replace(self._state, sources=(), gaps=tuple(ended)).records(now.utc))
        self._save()

    def add(self, channel: str, reason: GapReason, seconds: float) -> None:
        """A gap of `channel` that lasted for `seconds` has just ended."""
        end = self._now().utc
        self.record(Gap(channel, end - timedelta(seconds=max(0.0, seconds)), end, reason))

    def record(self, gap: Gap) -> None:
        """Record a gap that is over."""
        now = self._now()
        self._totals.add(gap)
        self._append(self._short.add(gap, now.elapsed_s))

    def totals(self, source: str) -> GapTotals:
        """The gaps of a loaded source, since it was loaded."""
        return self._totals.of(source, self._clock().elapsed_s)

    async def run(self) -> Never:
        """Call `beat` every BEAT_S, and `check_clock` every CHECK_S, until cancelled."""
        while True:
            self.beat()
            for _ in range(round(BEAT_S / CHECK_S)):
                await asyncio.sleep(CHECK_S)
                self.check_clock()

    def check_clock(self) -> None:
        """Record at once if the clock of this machine was set."""
        self._now()

    def beat(self) -> None:
        """Record that the program is alive, and what has become due."""
        now = self._now()
        self._append(self._short.due(now.elapsed_s))
        self._save()

    def close(self, *, keep: bool) -> None:
        """Record everything; later calls have no effect.

        With `keep`, the program is expected to return: until then, it counts as dead. Otherwise nothing is expected.
        """
        now = self._now()
        self._append(self._short.flush())
        if keep:
            self._save()
        else:
            self._cut(now.utc, now.utc)
            self._on_disk(lambda folder: day_files.remove_open(folder, self._state.writer))
        self._closed = True

    def _recover(self) -> None:
        """Record what the last run had open, up to now."""
        if self._folder is None:
            return
        with suppress(OSError):  # the first record reports it
            self._folder.parent.mkdir(parents=True, exist_ok=True)
        left = day_files.read_open(self._folder, self._state.writer)
        if left is not None:
            self._append(left.records_after_death(self._last.utc))
        self._delete_old()

    def _now(self) -> Moment:
        """The present. What is open is cut where the clock was set, and at each full hour: then a lost file of open
        records costs no more than an hour."""
        last, now = self._last, self._clock()
        self._last = now
        expected = last.after(now.elapsed_s - last.elapsed_s)
        if abs((now.utc - expected.utc).total_seconds()) > JUMP_S:
            log.warning("the clock of this machine was set from %s to %s", expected.utc, now.utc)
            self._cut(expected.utc, now.utc)
            self._save()
        elif _hour(now.utc) != _hour(last.utc):
            self._cut(_hour(now.utc), _hour(now.utc))
        if _hour(now.utc) != _hour(last.utc):
            self._delete_old()
        if expected.awake_s - now.awake_s > JUMP_S:
            self.record(Gap(ALL, last.utc, expected.utc, GapReason.NODE_DOWN))
        return now

    def _cut(self, end: datetime, start: datetime) -> None:
        """Record everything open up to `end`, and continue it from `start` on."""
        self._append(self._state.records(end))
        sources = tuple(replace(one, since=start) for one in self._state.sources)
        gaps = tuple(replace(gap, since=start, count=0) for gap in self._state.gaps)
        self._state = replace(self._state, sources=sources, gaps=gaps)

    def _end_source(self, source: str, now: Moment) -> None:
        ended = tuple(one for one in self._state.sources if one.source == source)
        self._append(replace(self._state, sources=ended, gaps=()).records(now.utc))
        self._state = replace(self._state, sources=tuple(one for one in self._state.sources if one.source != source))

    def _delete_old(self) -> None:
        keep_days, ages = self._keep_days, self._ages
        if keep_days is not None and ages is not None:
            self._on_disk(lambda folder: day_files.delete_old(folder, ages, keep_days=keep_days))

    def _save(self) -> None:
        self._state = replace(self._state, seen=self._last.utc)
        self._on_disk(lambda folder: day_files.write_open(folder, self._state))

    def _append(self, records: Iterable[Record]) -> None:
        if self._folder is None or self._closed:
            return
        for record in records:
            self._unwritten.append(record)
            self._on_record(record)
        if self._unwritten:
            self._on_disk(self._write_all)

    def _write_all(self, folder: Path) -> None:
        while self._unwritten:
            day_files.append(folder, self._unwritten[0])
            self._unwritten.popleft()

    def _on_disk(self, work: Callable[[Path], object]) -> None:
        if self._folder is None or self._closed:
            return
        try:
            self._folder.mkdir(exist_ok=True)
            work(self._folder)
        except OSError as error:
            fault = error.strerror or str(error)
            if fault != self._disk_fault:
                log.error("the gap ledger %s cannot be written: %s; writing is tried again", self._folder, fault)
            self._disk_fault = fault
        else:
            self._disk_fault = ""


def _hour(time: datetime) -> datetime:
    return time.replace(minute=0, second=0, microsecond=0)
