"""Reports of a program to the store: made anywhere, kept on disk, and written as soon as the database takes them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Never

from tidzam.config.store import StoreSettings
from tidzam.errors import TidzamError
from tidzam.gaps.records import Gap, Record
from tidzam.process import RestartPolicy
from tidzam.store.receiver import StoreReceiver, store_delivery
from tidzam.store.records import GapRecord, LoadedRecord, StoreRecord, encode

log = logging.getLogger(__name__)

_POLL_S: Final = 0.5
_CLOSE_S: Final = 2.0
_POLICY: Final = RestartPolicy(first_delay_s=1.0, max_delay_s=60.0)


class StoreReporter:
    """Takes records of a program of the node `node` to the store. `add` may be called in any thread, and never waits;
    `run` does the work, until it is cancelled, and then stores what it can. What it cannot waits on disk."""

    def __init__(self, settings: StoreSettings, home: Path | None, *, program: str, node: str) -> None:
        self.node = node
        self._settings, self._home = settings, home
        self.is_open = False
        """Whether what is added will be on disk at the end."""
        self._delivery = store_delivery(settings, home, program)
        self._added: SimpleQueue[Callable[[], StoreRecord | None]] = SimpleQueue()
        self._made_lines: list[str] = []
        self._making = threading.Lock()

    def add(self, record: StoreRecord) -> None:
        """A record is to be stored."""
        self._added.put(lambda: record)

    def add_made(self, make: Callable[[], StoreRecord | None]) -> None:
        """A record is to be stored that is made in a thread, since that takes a while; None is left out."""
        self._added.put(make)

    def add_gap(self, record: Record) -> None:
        """A record of the gap ledger is to be stored."""
        self.add(stored_gap(record, self.node))

    async def run(self) -> Never:
        """Store records until cancelled. A disk that fails is logged and tried again."""
        failures = 0
        while True:
            try:
                await self._serve()
            except TidzamError as error:
                failures += 1
                log.error("records for the store cannot be written to disk: %s", error)
            await asyncio.sleep(_POLICY.delay_s(failures))

    async def _serve(self) -> Never:
        await self._delivery.open(StoreReceiver(self._settings, self._home), collect_s=self._settings.collect_s)
        self.is_open = True
        try:
            while True:
                await self._keep()
                await asyncio.sleep(_POLL_S)
        finally:
            self.is_open = False
            try:
                with suppress(TidzamError, TimeoutError):
                    async with asyncio.timeout(_CLOSE_S):
                        await self._keep()
            finally:
                with suppress(TidzamError, TimeoutError):  # it is on disk, and stored after the next start
                    async with asyncio.timeout(_CLOSE_S):
                        await self._delivery.close()

    async def _keep(self) -> None:
        """Write what was added to disk. Raises TidzamError (`spool`); what is not on disk then is written later."""
        lines = await asyncio.to_thread(self._lines)
        await self._delivery.put(lines)
        del self._made_lines[: len(lines)]

    def _lines(self) -> list[str]:
        """All lines that are not on disk yet. They stay in `_made_lines`, also if nobody waits for them any more."""
        with self._making:
            with suppress(Empty):
                while True:
                    line = self._made(self._added.get_nowait())
                    if line is not None:
                        self._made_lines.append(line)
            return list(self._made_lines)

    def _made(self, make: Callable[[], StoreRecord | None]) -> str | None:
        try:
            made = make()
            return None if made is None else encode(made)
        except Exception:  # a fault in one record must not keep the others
            log.exception("a record for the store cannot be made")
            return None


def stored_gap(record: Record, node: str) -> StoreRecord:
    """The record of the store for one of the gap ledger."""
    if isinstance(record, Gap):
        return GapRecord(
            node=node,
            channel=record.channel,
            reason=record.reason.value,
            start=record.start,
            end=record.end,
            count=record.count,
        )
    return LoadedRecord(node=node, source=record.source, channels=record.channels, start=record.start, end=record.end)
