"""The index of recorded segments: an SQLite table of (datetime, max_amp, filepath) beside the files.

SQLite, because several programs read it while one writes it, a row is written whole or not at all, also when the
writer is killed, and rows of deleted files are removed in place. It is in the mode WAL: readers do not block the
writer, nor the writer readers.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

INDEX_NAME: Final = "segments.sqlite"
_BUSY_TIMEOUT_S: Final = 10.0
_RETRY_S: Final = 0.01
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS segments (
    filepath TEXT PRIMARY KEY, source TEXT NOT NULL, datetime TEXT NOT NULL, max_amp REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS segments_by_time ON segments (source, datetime);
"""


@dataclass(frozen=True)
class Segment:
    """A recorded segment: when it starts, its largest absolute sample (1.0: full scale), and its file.

    `filepath` is relative to the folder of the index, so that the folder can be moved.
    """

    source: str
    datetime: datetime
    max_amp: float
    filepath: str


class SegmentIndex:
    """The index in the file `segments.sqlite` of a folder. Each method is one transaction; it may be used from any
    thread. All methods raise sqlite3.Error."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / INDEX_NAME

    def add(self, segment: Segment) -> None:
        """Add a segment, or replace the one with the same file."""
        row = (segment.filepath, segment.source, _text(segment.datetime), segment.max_amp)
        with closing(self._open_to_write()) as index, index:
            index.execute("INSERT OR REPLACE INTO segments VALUES (?, ?, ?, ?)", row)

    def remove(self, filepaths: Iterable[str]) -> None:
        """Remove the segments with these files."""
        with closing(self._open_to_write()) as index, index:
            index.executemany("DELETE FROM segments WHERE filepath = ?", ((path,) for path in filepaths))

    def find(
        self,
        source: str | None = None,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        min_amp: float = 0.0,
    ) -> Iterator[Segment]:
        """Segments in the order of time: of one source or all, that start from `since` to before `until`.

        An index that does not exist yet has none.
        """
        if not self._path.exists():
            return
        query = "SELECT source, datetime, max_amp, filepath FROM segments WHERE max_amp >= ?"
        values: list[object] = [min_amp]
        for condition, value in (
            ("source = ?", source),
            ("datetime >= ?", since and _text(since)),
            ("datetime < ?", until and _text(until)),
        ):
            if value is not None:
                query += f" AND {condition}"
                values.append(value)
        with closing(self._open_to_read()) as index:
            if not _has_table(index):  # its writer is creating it
                return
            for name, start, max_amp, filepath in index.execute(f"{query} ORDER BY datetime, source", values):
                yield Segment(name, datetime.fromisoformat(start), max_amp, filepath)

    def _open_to_write(self) -> sqlite3.Connection:
        index = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S)
        index.execute("PRAGMA synchronous = NORMAL")
        if not _has_table(index):
            _use_wal(index)
            index.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
        return index

    def _open_to_read(self) -> sqlite3.Connection:
        index = sqlite3.connect(self._path, timeout=_BUSY_TIMEOUT_S)
        index.execute("PRAGMA query_only = ON")
        return index


def _has_table(index: sqlite3.Connection) -> bool:
    return bool(index.execute("SELECT 1 FROM sqlite_master WHERE name = 'segments_by_time'").fetchone())


def _use_wal(index: sqlite3.Connection) -> None:
    """Set the mode of a new index. SQLite does not wait for other connections here, whatever the time-out is."""
    until_s = time.monotonic() + _BUSY_TIMEOUT_S
    while True:
        try:
            index.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > until_s:
                raise
            time.sleep(_RETRY_S)


def _text(time: datetime) -> str:
    """A time as it is stored: in UTC, with a fixed number of digits, so that the order of texts is that of times."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
