"""Detections as rows of CSV files."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterable
from itertools import groupby
from typing import ClassVar

from analyzer.files.report import COLUMNS, FileDetection
from analyzer.sinks.base import SinkContext
from analyzer.sinks.line_file import LineFile
from analyzer.sinks.selection import utc_day
from tidzam.config.sinks import CsvSinkSettings, SinkSettings
from tidzam.results import AnalyzedBatch, Detection


class CsvSink:
    """Writes a row per detection as it ends, at once. A part of a row that a kill left is cut off at the next start.

    In live analysis, channels are named by their ports, and `start_s` and `end_s` are empty. `channels` and
    `arrivals_ms` are separated by spaces. Raises TidzamError (`output`) if a file cannot be written, or has other
    columns.
    """

    settings_model: ClassVar[type[SinkSettings]] = CsvSinkSettings

    def __init__(self, settings: CsvSinkSettings, context: SinkContext) -> None:
        header = _rows([dict(zip(COLUMNS, COLUMNS, strict=True))])
        self._file = LineFile(settings.path, header=header, daily=settings.daily, replace=settings.replace)
        self._recording, self._on_sent = context.recording, context.on_sent

    async def open(self) -> None:
        """Open the file, and check or write its header."""
        await asyncio.to_thread(self._file.open)

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write the detections that ended."""
        if ended := [change.detection for change in analyzed.detections if change.kind == "end"]:
            await asyncio.to_thread(self._add, ended)

    def _add(self, detections: list[Detection]) -> None:
        for day, found in groupby(sorted(detections, key=utc_day), key=utc_day):
            rows = _rows(map(self._row, found))
            self._file.append(rows, day)
            self._on_sent(f"{self._file.path} {rows.decode().rstrip()}")

    def _row(self, detection: Detection) -> dict[str, object]:
        if self._recording is not None:
            return FileDetection.of(detection, self._recording).row()
        row = FileDetection(0, 0.0, 0.0, True, detection).row()
        channels = " ".join(detection.channel_names)
        return row | {"channel": detection.channel, "channels": channels, "start_s": None, "end_s": None}

    async def close(self) -> None:
        """Close the file."""
        self._file.close()


def _rows(rows: Iterable[dict[str, object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS).writerows(rows)
    return text.getvalue().encode()
