"""Detections as files of JSON lines: each is a `detection` event, as clients of Socket.IO receive it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import ClassVar

from analyzer.sinks.base import SinkContext
from analyzer.sinks.line_file import LineFile
from analyzer.sinks.selection import covers, utc_day
from tidzam.config.sinks import JsonLinesSinkSettings, SinkSettings
from tidzam.protocol.analyzer import detection_event
from tidzam.results import AnalyzedBatch, DetectionChange


class JsonLinesSink:
    """Writes a line per change of a detection, at once. Raises TidzamError (`output`) if a file cannot be written."""

    settings_model: ClassVar[type[SinkSettings]] = JsonLinesSinkSettings

    def __init__(self, settings: JsonLinesSinkSettings, context: SinkContext) -> None:
        self._settings, self._node = settings, context.node
        self._file, self._on_sent = LineFile(settings.path, daily=settings.daily), context.on_sent

    async def open(self) -> None:
        """Open the file."""
        await asyncio.to_thread(self._file.open)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write the changes that the settings ask for."""
        settings = self._settings
        if wanted := [one for one in analyzed.detections if one.kind in settings.states and covers(settings, one)]:
            await asyncio.to_thread(self._add, wanted)

    def _add(self, changes: Sequence[DetectionChange]) -> None:
        for day, found in groupby(changes, key=lambda change: utc_day(change.detection)):
            events = [detection_event(one, node=self._node).model_dump_json() for one in found]
            self._file.append("".join(f"{event}\n" for event in events).encode(), day)
            for event in events:
                self._on_sent(f"{self._file.path} {event}")

    async def close(self) -> None:
        """Close the file."""
        self._file.close()
