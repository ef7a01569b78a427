"""The CSV files of detections, to which every row is appended exactly once, whatever is killed when."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from analyzer.inbox.entries import CsvState, InboxEntry
from analyzer.inbox.journal import InboxJournal
from analyzer.result_formats.base import RESULT_COLUMNS
from tidzam.atomic import sync_folder
from tidzam.errors import TidzamError
from tidzam.output_hints import hint_for
from tidzam.text import shown

log = logging.getLogger(__name__)

_TAIL_BYTES: Final = 4096


def csv_rows(rows: Iterable[Mapping[str, object]]) -> bytes:
    """Rows by RESULT_COLUMNS as CSV. File names that are not UTF-8 keep their bytes."""
    text = io.StringIO(newline="")
    csv.DictWriter(text, RESULT_COLUMNS, extrasaction="ignore", lineterminator="\n").writerows(rows)
    return text.getvalue().encode(errors="surrogateescape")


HEADER: Final = csv_rows([dict(zip(RESULT_COLUMNS, RESULT_COLUMNS, strict=True))])


class DetectionLog:
    """A CSV file per UTC day beside `path`: `detections-2026-05-01.csv` for `detections.csv`.

    The journal holds the length up to which a file was committed. What a killed process left behind that is cut off,
    and written again. A file that somebody has changed is left alone: the next rows go into `NAME-DAY-2.csv`. One that
    somebody has removed is begun again.
    """

    def __init__(self, path: Path, journal: InboxJournal) -> None:
        self._path, self._journal = path, journal

    def append(self, entry: InboxEntry) -> CsvState:
        """Append the rows of a file after what was committed. Returns what is to be committed then.

        If that is not done, appending them again changes nothing. Raises TidzamError: `output`, or `journal`.
        """
        state = self._journal.csv_state(entry.day)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._write(entry, state)
        except OSError as error:
            path = self.path_of(entry.day, state.number)
            raise TidzamError(
                f"{shown(path)} cannot be written: {error.strerror}.", hint=hint_for(error, path), code="output"
            ) from None

    def path_of(self, day: str, number: int = 1) -> Path:
        """The file of a day with this number."""
        suffix = "" if number == 1 else f"-{number}"
        return self._path.with_name(f"{self._path.stem}-{day}{suffix}{self._path.suffix}")

    def _write(self, entry: InboxEntry, state: CsvState) -> CsvState:
        while True:
            rows = entry.rows if state.length else HEADER + entry.rows
            path = self.path_of(entry.day, state.number)
            is_new = not path.exists()
            if is_new and state.length:
                log.warning("%s was removed; it is begun again", shown(path))
                state = CsvState(state.number)
                continue
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                if _is_ours(descriptor, state, rows):
                    digest = _append(descriptor, state.length, rows)
                    break
            finally:
                os.close(descriptor)
            state = CsvState(state.number + 1)
            log.warning(
                "%s was changed by another program; the next detections go into %s",
                *(shown(path), shown(self.path_of(entry.day, state.number))),
            )
        if is_new:
            sync_folder(path.parent)
        return CsvState(state.number, state.length + len(rows), digest)


def _is_ours(descriptor: int, state: CsvState, rows: bytes) -> bool:
    """Whether the file holds what was committed, and after it at most a part of `rows`.

    After a power cut, a part may have become zeros.
    """
    size = os.fstat(descriptor).st_size
    if size < state.length or (state.length and _digest(descriptor, state.length) != state.digest):
        return False
    if size > state.length + len(rows):
        return False
    return rows.startswith(os.pread(descriptor, len(rows), state.length).rstrip(b"\0"))


def _append(descriptor: int, length: int, rows: bytes) -> str:
    """Write rows after `length`, and flush them to disk. Returns a digest of the end. Raises OSError, having written
    nothing."""
    os.ftruncate(descriptor, length)
    try:
        written = 0
        while written < len(rows):
            written += os.pwrite(descriptor, rows[written:], length + written)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, length)
        raise
    return _digest(descriptor, length + len(rows))


def _digest(descriptor: int, length: int) -> str:
    """A digest of the last bytes before `length`."""
    begin = max(0, length - _TAIL_BYTES)
    return hashlib.sha256(os.pread(descriptor, length - begin, begin)).hexdigest()[:16]
