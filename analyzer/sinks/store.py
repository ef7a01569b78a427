"""Detections kept in the store of the node."""

from __future__ import annotations

from typing import ClassVar

from analyzer.sinks.base import SinkContext
from analyzer.sinks.detection_records import record_of
from analyzer.sinks.selection import covers
from tidzam.config.sink_base import SinkSettings
from tidzam.config.store import StoreSinkSettings
from tidzam.results import AnalyzedBatch
from tidzam.store.receiver import StoreReceiver, store_delivery
from tidzam.store.records import AnalyzerStartRecord, encode


class StoreSink:
    """A record per change of a detection. Records wait on disk until the database has them: nothing is lost while it
    is away, and what is written twice is stored once.

    Detections of a file whose date is unknown are not kept: they have no place in time.
    """

    settings_model: ClassVar[type[SinkSettings]] = StoreSinkSettings

    def __init__(self, settings: StoreSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._is_dated = context.recording is None or context.recording.dated
        self._delivery = store_delivery(context.store, context.home, "analyzer")

    @property
    def fault(self) -> str | None:
        """Why nothing can be stored at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to store what waits. Raises TidzamError (`spool`)."""
        context = self._context
        receiver = StoreReceiver(context.store, context.home, on_trial=context.on_sent if context.is_example else None)
        await self._delivery.open(receiver, collect_s=context.store.collect_s)
        if context.recording is None and not (context.is_archive or context.is_example):
            await self._delivery.put([encode(AnalyzerStartRecord(node=context.node))])

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Keep the changes on disk, to be stored. Raises TidzamError (`spool`)."""
        if not self._is_dated:
            return
        wanted = [one for one in analyzed.detections if covers(self._settings, one)]
        cascade = analyzed.cascade or self._context.cascade
        await self._delivery.put([encode(record_of(one, self._context, cascade)) for one in wanted])

    async def close(self) -> None:
        """Store what can be stored. Raises TidzamError (`unsent`) if some records remain on disk."""
        await self._delivery.close()
