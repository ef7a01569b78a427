"""Windows as audio files, by class."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from analyzer.clips.extractor import Extractor
from analyzer.clips.privacy import ClipPrivacy
from analyzer.clips.rules import read_requested, write_requested
from analyzer.clips.store import ClipStore, CutClip
from analyzer.sinks.base import SinkContext
from tidzam.config.sinks import ClipSinkSettings, SinkSettings
from tidzam.errors import TidzamError
from tidzam.protocol.extraction import ExtractionRule
from tidzam.results import AnalyzedBatch
from tidzam.text import plural

log = logging.getLogger(__name__)


class ClipSink:
    """Writes the windows that its rules cover, each to a file in the folder of its class.

    In live analysis, clips that cannot be written are lost, and `fault` is the reason until one is written again: what
    is heard meanwhile stays in memory, so that the first clip after it is whole. `errors` counts the failures. In the
    analysis of a file, they are raised.
    """

    settings_model: ClassVar[type[SinkSettings]] = ClipSinkSettings

    def __init__(self, settings: ClipSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._extractor: Extractor | None = None
        self._store: ClipStore | None = None
        self._counts: Mapping[str, int] = {}
        self._raises = context.recording is not None or context.is_example
        self.fault: str | None = None
        self.errors = 0
        self.privacy = ClipPrivacy()
        """Counts the clips in which a person speaks, also while the sink is opened again."""

    @property
    def folder(self) -> Path:
        """The folder of the class folders."""
        return self._settings.folder

    @property
    def counts(self) -> Mapping[str, int]:
        """Clips in each class folder; none before the sink was opened."""
        return self._counts

    async def set_requested(self, rules: Mapping[str, ExtractionRule]) -> None:
        """Keep rules that a client has set, and apply them. Raises TidzamError (`output`)."""
        await asyncio.to_thread(write_requested, self.folder, rules)
        if self._extractor is not None:
            self._extractor.requested = rules

    async def open(self) -> None:
        """Read the rules and the clips that the folder holds already. Raises TidzamError."""
        context = self._context
        extractor = Extractor(self._settings, labels=context.labels, node=context.node, bundles=context.bundles)
        if not context.is_example:
            extractor.requested = await asyncio.to_thread(read_requested, self.folder)
        extractor.privacy = self.privacy
        self._store = await asyncio.to_thread(ClipStore.shared, self._settings)
        self._counts = extractor.counts = self._store.counts
        self._extractor = extractor

    def mark(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The batch with the clips of its detections named, before any sink receives it; unnamed while none can be
        written."""
        return analyzed if self._extractor is None else self._extractor.mark(analyzed)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write the clips that are complete, and those of them that can be written if some cannot. Raises TidzamError
        (`output`) if so, in the analysis of a file."""
        assert self._extractor is not None
        await self._write(self._extractor, self._extractor.cut(analyzed))

    async def close(self) -> None:
        """Write the clips that are not complete as far as they reach. Raises as `deliver`."""
        extractor, self._extractor = self._extractor, None
        if extractor is not None:
            await self._write(extractor, extractor.finish())

    async def _write(self, extractor: Extractor, clips: list[CutClip]) -> None:
        if not clips:
            return  # without a thread
        assert self._store is not None
        try:
            for path in await asyncio.to_thread(self._store.write, clips):
                self._context.on_sent(str(path))
        except TidzamError as error:
            if self._raises:
                raise
            self._failed(extractor, error)
        else:
            self._works(extractor)
        finally:
            self._counts = extractor.counts = self._store.counts

    def _failed(self, extractor: Extractor, error: TidzamError) -> None:
        extractor.names_clips = False
        self.errors += 1
        if self.fault is None:
            log.error("clips are not kept, and the analysis goes on: %s", error)
        self.fault = str(error)

    def _works(self, extractor: Extractor) -> None:
        if self.fault is not None:
            extractor.forget_names()
            log.info("clips are kept again, after %s", plural(self.errors, "failure"))
        extractor.names_clips = True
        self.fault = None
