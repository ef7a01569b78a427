"""Detections and their clips, forwarded to another node."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import ClassVar, Final

from analyzer.forward.link import ForwardLink
from analyzer.forward.outbox import ClipOutbox
from analyzer.forward.rank import WaitingClip
from analyzer.forward.records import BATCH, RecordReceiver
from analyzer.forward.tus import ClipSender
from analyzer.forward.uploader import ClipUploader
from analyzer.sinks.base import SinkContext
from analyzer.sinks.detection_records import record_of
from analyzer.sinks.selection import covers
from tidzam.config.forward_sink import ForwardSinkSettings
from tidzam.config.secret import reveal
from tidzam.config.sink_base import SinkSettings
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch, DetectionChange
from tidzam.spool.spooled import SpooledDelivery
from tidzam.store.records import AnalyzerStartRecord, encode
from tidzam.text import plural

CLIPS: Final = "clips"
"""The folder of the clips that wait, in that of the spool."""
_GB: Final = 1_000_000_000
_CLOSE_S: Final = 1.0
_FILE_CLOSE_S: Final = 10.0
"""Seconds in which clips may still be sent when the sink is closed, live and after the analysis of files."""


class ForwardSink:
    """A record per change of a detection, as the store of the node has it, sent to the console of another node; and the
    clips that detections name, each after its record. Both wait on disk until that node has them.

    Detections of a file whose date is unknown are not forwarded: they have no place in time.
    """

    settings_model: ClassVar[type[SinkSettings]] = ForwardSinkSettings

    def __init__(self, settings: ForwardSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._is_dated = context.recording is None or context.recording.dated
        self._delivery = SpooledDelivery(
            settings, home=context.home, name="forward", identity=settings.url, file_lines=BATCH
        )
        self._outbox: ClipOutbox | None = None
        self._uploader: ClipUploader | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def fault(self) -> str | None:
        """Why nothing can be sent at present."""
        return self._delivery.fault or (self._uploader.fault if self._uploader else None)

    async def open(self) -> None:
        """Begin to send what waits. Raises ConfigError (`secret`) and TidzamError (`spool`)."""
        context = self._context
        token = await asyncio.to_thread(reveal, self._settings.token, "The token of the sink forward")
        link = ForwardLink(self._settings, token)
        receiver = RecordReceiver(link, context.node, is_example=context.is_example, on_sent=context.on_sent)
        await self._delivery.open(receiver, collect_s=self._settings.collect_s)
        if self._settings.clips and not context.is_example:
            try:
                await self._open_clips(link)
            except BaseException:
                with suppress(TidzamError):  # the first error says more
                    await self._delivery.close()
                raise
        if context.recording is None and not (context.is_archive or context.is_example):
            await self._delivery.put([encode(AnalyzerStartRecord(node=context.node))])

    async def _open_clips(self, link: ForwardLink) -> None:
        folder, context = self._delivery.folder / CLIPS, self._context
        outbox = ClipOutbox(folder, context.clip_folders, limit_bytes=round(self._settings.max_gb * _GB))
        try:
            abandoned = (one / CLIPS for one in self._delivery.abandoned())
            await asyncio.to_thread(outbox.load, abandoned)
        except OSError as error:
            raise self._unusable(error) from None
        sender = ClipSender(link, context.node, on_sent=context.on_sent)
        self._outbox = outbox
        self._uploader = ClipUploader(outbox, sender, shown=link.shown, may_send=lambda: not self._delivery.waiting)
        self._task = asyncio.create_task(self._uploader.run(), name="clips to forward")

    def _unusable(self, error: OSError) -> TidzamError:
        return TidzamError(
            f"The clips to forward cannot be kept in {self._delivery.folder / CLIPS}: {error.strerror}.",
            hint="Free some room, or set spool to another folder.",
            code="spool",
        )

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Keep the changes on disk, to be sent. Raises TidzamError (`spool`)."""
        if not self._is_dated:
            return
        wanted = [one for one in analyzed.detections if covers(self._settings, one)]
        cascade = analyzed.cascade or self._context.cascade
        await self._delivery.put([encode(record_of(one, self._context, cascade)) for one in wanted])
        await self._keep_clips(wanted)

    async def _keep_clips(self, changes: list[DetectionChange]) -> None:
        """Keep the clips of detections that have ended, to be sent."""
        outbox, uploader = self._outbox, self._uploader
        if outbox is None or uploader is None:
            return
        ended = [one.detection for one in changes if one.kind == "end"]
        for found in ended:
            if found.clip is not None:
                clip = WaitingClip(
                    name=found.clip, label=found.label, start=found.start, probability=found.peak_probability
                )
                try:
                    await asyncio.to_thread(outbox.add, clip)
                except OSError as error:
                    raise self._unusable(error) from None
                uploader.wake()

    async def close(self) -> None:
        """Send what can be sent in a short time. Raises TidzamError (`unsent`) if something remains on disk."""
        left = ""
        try:
            await self._delivery.finish()
            left = await self._close_clips()
        finally:
            await self._stop_uploading()
            await self._delivery.close()
        if left:
            message = f"{left} of the sink forward wait on disk."
            raise TidzamError(message, hint="They are sent after the next start.", code="unsent")

    async def _close_clips(self) -> str:
        """Send the clips that can be sent in a short time. Returns how many remain, in words; nothing if none does."""
        if self._task is None or self._uploader is None or self._outbox is None:
            return ""
        is_live = self._context.recording is None and not self._context.is_archive
        self._uploader.stop()
        await asyncio.wait([self._task], timeout=_CLOSE_S if is_live else _FILE_CLOSE_S)
        return plural(self._outbox.waiting, "clip") if self._outbox.waiting else ""

    async def _stop_uploading(self) -> None:
        task, self._task, self._uploader, self._outbox = self._task, None, None, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
