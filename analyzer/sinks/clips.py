"""Windows as audio files, by class."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from analyzer.extraction import Extractor
from analyzer.requested_rules import write_requested
from analyzer.sinks.base import SinkContext
from tidzam.config.sinks import ClipRule, ClipSinkSettings, SinkSettings
from tidzam.protocol.extraction import ExtractionRule
from tidzam.results import AnalyzedBatch


class ClipSink:
    """Writes the windows that its rules cover, each to a file in the folder of its class."""

    settings_model: ClassVar[type[SinkSettings]] = ClipSinkSettings

    def __init__(self, settings: ClipSinkSettings, context: SinkContext) -> None:
        self._settings, self._labels = settings, context.labels
        self._extractor: Extractor | None = None

    @property
    def folder(self) -> Path:
        """The folder of the class folders."""
        return self._settings.folder

    @property
    def counts(self) -> Mapping[str, int]:
        """Clips in each class folder; none while the sink is not open."""
        return {} if self._extractor is None else self._extractor.counts

    async def set_requested(self, rules: Mapping[str, ExtractionRule]) -> None:
        """Keep rules that a client has set, and apply them. Raises TidzamError (`output`)."""
        await asyncio.to_thread(write_requested, self.folder, rules)
        if self._extractor is not None:
            self._extractor.requested = rules

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
