"""Detections as rows of a CSV file."""

from __future__ import annotations

import asyncio
import csv
import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

from analyzer.file_report import COLUMNS, FileDetection
from analyzer.sinks.base import SinkContext
from tidzam.config.sinks import CsvSinkSettings, SinkSettings
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch, Detection


class CsvSink:
    """Writes a row per detection as it ends, at once: the file always holds complete rows.

    In live analysis, channels are named by their ports, and `start_s` and `end_s` are empty. `channels` and
    `arrivals_ms` are separated by spaces.
    """

    settings_model: ClassVar[type[SinkSettings]] = CsvSinkSettings

    def __init__(self, settings: CsvSinkSettings, context: SinkContext) -> None:
        self._path, self._recording = settings.path, context.recording
        self._replace = settings.replace
        self._file: io.FileIO | None = None

    async def open(self) -> None:
        """Raises TidzamError (`output`) if the file cannot be written, or has other columns."""
        await asyncio.to_thread(self._open)

    def _open(self) -> None:
        with self._errors_named():
            file = io.FileIO(self._path, "w" if self._replace else "a+")
            try:
                self._begin(file)
            except BaseException:
                file.close()
                raise
        self._file, self._replace = file, False  # opened again after a failure, it is continued

    def _begin(self, file: io.FileIO) -> None:
        """Write the header, or check the one of a file that is continued."""
        header = ",".join(COLUMNS)
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or not status.st_size:
            _append(file, [dict(zip(COLUMNS, COLUMNS, strict=True))])
        elif os.pread(file.fileno(), len(header) + 1, 0).rstrip(b"\r\n") != header.encode():
            raise TidzamError(
                f"{self._path} has other columns than {header}.", hint="Specify another file.", code="output"
            )

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        """Write the detections that ended. Raises TidzamError (`output`)."""
        if ended := [change.detection for change in analyzed.detections if change.kind == "end"]:
            await asyncio.to_thread(self._add, ended)

    def _add(self, detections: list[Detection]) -> None:
        assert self._file is not None
        with self._errors_named():
            _append(self._file, map(self._row, detections))

    def _row(self, detection: Detection) -> dict[str, object]:
        if self._recording is not None:
            return FileDetection.of(detection, self._recording).row()
        row = FileDetection(0, 0.0, 0.0, True, detection).row()
        channels = " ".join(detection.channel_names)
        return row | {"channel": detection.channel, "channels": channels, "start_s": None, "end_s": None}

    async def close(self) -> None:
        assert self._file is not None
        with self._errors_named():
            self._file.close()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TidzamError(
                f"{self._path} cannot be written: {error.strerror}.",
                hint="Free some room or name another file.",
                code="output",
            ) from None


def _append(file: io.FileIO, rows: Iterable[dict[str, object]]) -> None:
    """Write rows, all or none of them. Raises OSError."""
    text = io.StringIO(newline="")
    csv.DictWriter(text, COLUMNS).writerows(rows)
    data = text.getvalue().encode()
    size = os.fstat(file.fileno()).st_size
    if file.write(data) != len(data):
        file.truncate(size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
