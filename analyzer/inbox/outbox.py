"""The sinks of the inference: each takes the detections of all files from the journal, at its own pace."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from analyzer.archive.sinks import batch_of
from analyzer.inbox.journal import InboxJournal
from analyzer.sinks.base import NamedSink, sink_names
from analyzer.sinks.queue import ContainedSink
from tidzam.config.sink_base import SinkSettings
from tidzam.inbox_status import InboxSinkStatus
from tidzam.results import AnalyzedBatch
from tidzam.text import plural

log = logging.getLogger(__name__)

MOST_WAITING: Final = 20_000
"""Files with detections that wait for a sink: two weeks of one in each minute. The journal must not fill the disk."""
_DRAIN_S: Final = 5.0


def sinks_of_files(sinks: Sequence[SinkSettings]) -> dict[str, SinkSettings]:
    """The sinks that receive the detections of analyzed files, by name. Those of clips run where the audio is."""
    names = dict(zip(sink_names(sinks), sinks, strict=True))
    for name, sink in names.items():
        if sink.for_archives == "never":
            log.warning("the sink %s needs live sound: it receives nothing on this node", name)
    return {name: sink for name, sink in names.items() if sink.for_archives in ("always", "if_chosen")}


class OutboxSink(ContainedSink):
    """A sink that receives the detections of each file that the journal holds for it, in the order of the analysis.

    A file counts as taken when `deliver` has returned. Between that and its note in the journal lies a moment in which
    a kill makes it happen again, with the same ids.
    """

    def __init__(self, named: NamedSink, journal: InboxJournal, *, most_waiting: int = MOST_WAITING) -> None:
        super().__init__(named)
        self._journal, self._most_waiting = journal, most_waiting
        self._more, self._settled = asyncio.Event(), asyncio.Event()

    def wake(self) -> None:
        """There may be more to deliver."""
        self._settled.clear()
        self._more.set()

    async def settled(self) -> None:
        """Return when it has taken everything, or cannot take it at present."""
        if self.fault is None:
            await self._settled.wait()

    def _failed(self, error: BaseException) -> None:
        super()._failed(error)
        self._settled.set()

    @asynccontextmanager
    async def _next_batch(self) -> AsyncIterator[AnalyzedBatch]:
        while True:
            self._more.clear()
            wanted = await asyncio.to_thread(self._journal.next_for, self.name)
            if wanted is not None:
                break
            self._settled.set()
            await self._more.wait()
        yield batch_of(wanted.found)
        await asyncio.to_thread(self._journal.taken, self.name, wanted.number)

    async def limit(self) -> None:
        """Drop the oldest detections if too many wait."""
        dropped = await asyncio.to_thread(self._journal.drop_for, self.name, keep=self._most_waiting)
        if dropped:
            log.error(
                "the sink %s has failed for too long: the detections of %s are dropped",
                *(self.name, plural(dropped, "file")),
            )
        self.dropped += dropped


class Outbox:
    """All sinks of the inference."""

    def __init__(self, sinks: Sequence[NamedSink], journal: InboxJournal) -> None:
        self._sinks = [OutboxSink(named, journal) for named in sinks]
        self._journal = journal

    async def run(self) -> None:
        """Deliver until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for sink in self._sinks:
                tasks.create_task(sink.run(), name=f"sink {sink.name}")

    async def more(self) -> None:
        """A file was analyzed: its detections are in the journal."""
        for sink in self._sinks:
            await sink.limit()
            sink.wake()

    async def drain(self) -> None:
        """Give the sinks some time to take what waits for them."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                await asyncio.gather(*(sink.settled() for sink in self._sinks))

    def status(self) -> Mapping[str, InboxSinkStatus]:
        """The state of each sink."""
        waiting = self._journal.waiting_for() if self._sinks else {}
        return {
            sink.name: InboxSinkStatus(
                waiting=waiting.get(sink.name, 0), errors=sink.status.errors, fault=sink.status.fault
            )
            for sink in self._sinks
        }
