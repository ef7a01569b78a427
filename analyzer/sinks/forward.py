"""Detections and their clips, forwarded to another node."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from analyzer.forward.link import ForwardLink
from analyzer.forward.records import BATCH, RecordReceiver
from analyzer.sinks.base import SinkContext
from analyzer.sinks.detection_records import record_of
from analyzer.sinks.selection import covers
from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.results import AnalyzedBatch
from tidzam.spool.spooled import SpooledDelivery
from tidzam.store.records import AnalyzerStartRecord, encode


class ForwardSink:
    """A record per change of a detection, as the store of the node has it, sent to the console of another node. Records
    and clips wait on disk until that has them.

    Detections of a file whose date is unknown are not forwarded: they have no place in time.
    """

    settings_model: ClassVar[type[SinkSettings]] = ForwardSinkSettings

    def __init__(self, settings: ForwardSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._is_dated = context.recording is None or context.recording.dated
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="forward", identity=settings.url, file_lines=BATCH
        )

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault

    async def open(self) -> None:
        """Begin to send what waits. Raises ConfigError (`secret`) and TidzamError (`spool`)."""
        context = self._context
        token = await asyncio.to_thread(reveal, self._settings.token, "The token of the sink forward")
        link = ForwardLink(self._settings, token)
        await self._delivery.open(RecordReceiver(link, on_sent=context.on_sent), collect_s=self._settings.collect_s)
        if context.recording is None and not (context.is_archive or context.is_example):
            await self._delivery.put([encode(AnalyzerStartRecord(node=context.node))])

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Keep the changes on disk, to be sent. Raises TidzamError (`spool`)."""
        if not self._is_dated:
            return
        wanted = [one for one in analyzed.detections if covers(self._settings, one)]
        cascade = analyzed.cascade or self._context.cascade
        await self._delivery.put([encode(record_of(one, self._context, cascade)) for one in wanted])

    async def close(self) -> None:
        """Send what can be sent. Raises TidzamError (`unsent`) if some records remain on disk."""
        await self._delivery.close()
