"""Windows as audio files, by class."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from analyzer.clips.extractor import Extractor
from analyzer.clips.privacy import ClipPrivacy
from analyzer.clips.rules import read_requested, write_requested
from analyzer.clips.store import ClipStore, CutClip
from analyzer.sinks.base import SinkContext
from tidzam.config.sinks import ClipSinkSettings, SinkSettings
from tidzam.protocol.extraction import ExtractionRule
from tidzam.results import AnalyzedBatch


class ClipSink:
    """Writes the windows that its rules cover, each to a file in the folder of its class."""

    settings_model: ClassVar[type[SinkSettings]] = ClipSinkSettings

    def __init__(self, settings: ClipSinkSettings, context: SinkContext) -> None:
        self._settings, self._context = settings, context
        self._extractor: Extractor | None = None
        self._store: ClipStore | None = None
        self._counts: Mapping[str, int] = {}
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
        self._store = await asyncio.to_thread(ClipStore, self._settings)
        self._counts = extractor.counts = self._store.counts
        self._extractor = extractor

    def mark(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        """The batch with the clips of its detections named, before any sink receives it."""
        return analyzed if self._extractor is None else self._extractor.mark(analyzed)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write the clips that are complete. Raises TidzamError (`output`) if some could not be written; the others
        are."""
        assert self._extractor is not None
        await self._write(self._extractor, self._extractor.cut(analyzed))

    async def close(self) -> None:
        """Write the clips that are not complete as far as they reach. Raises TidzamError (`output`)."""
        extractor, self._extractor = self._extractor, None
        if extractor is not None:
            await self._write(extractor, extractor.finish())

    async def _write(self, extractor: Extractor, clips: list[CutClip]) -> None:
        if not clips:
            return  # without a thread
        assert self._store is not None
        try:
            await asyncio.to_thread(self._store.write, clips)
        finally:
            self._counts = extractor.counts = self._store.counts
