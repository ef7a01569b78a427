"""Windows as audio files, by class."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from analyzer.extraction import Extractor
from analyzer.sinks.base import SinkContext
from tidzam.config.sinks import ClipRule, ClipSinkSettings, SinkSettings
from tidzam.results import AnalyzedBatch


class ClipSink:
    """Writes the windows that its rules cover, each to a file in the folder of its class."""

    settings_model: ClassVar[type[SinkSettings]] = ClipSinkSettings

    def __init__(self, settings: ClipSinkSettings, context: SinkContext) -> None:
        self._settings, self._labels = settings, context.labels
        self._extractor: Extractor | None = None

    async def open(self) -> None:
        """Count the clips that the folder holds already."""
        settings = self._settings
        self._extractor = await asyncio.to_thread(
            Extractor, settings.folder, settings.rules or (ClipRule(),), self._labels, clip_format=settings.format
        )

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write clips. Raises TidzamError (`output`) if some could not be written; the others are."""
        assert self._extractor is not None
        if wanted := self._extractor.choose(analyzed.analyses):
            await asyncio.to_thread(self._extractor.write, analyzed.batch, wanted)

    async def close(self) -> None:
        """Nothing to close: every clip is complete."""
