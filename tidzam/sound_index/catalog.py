"""The catalog of an index: its recordings, and where the vectors of each are; an SQLite file beside the vectors."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.naming import port_name
from tidzam.sound_index.rows import Rows

FILE: Final = "catalog.sqlite3"
FORMAT: Final = 1
"""The version of the files of an index. One of another version is replaced by the next indexing."""
_WAIT_S: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE about (base TEXT NOT NULL, version TEXT NOT NULL, window_ms INTEGER NOT NULL, "values" INTEGER NOT NULL);
CREATE TABLE revision (number INTEGER NOT NULL);
INSERT INTO revision VALUES (0);
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY, source TEXT NOT NULL, path TEXT NOT NULL, bytes INTEGER NOT NULL, windows INTEGER NOT NULL,
    is_complete INTEGER NOT NULL, fault TEXT, UNIQUE (source, path));
CREATE TABLE ranges (
    first_row INTEGER PRIMARY KEY, rows INTEGER NOT NULL, channel INTEGER NOT NULL, start INTEGER NOT NULL,
    recording_id INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE);
CREATE INDEX ranges_of_recordings ON ranges (recording_id);
"""


@dataclass(frozen=True)
class IndexAbout:
    """What an index holds: embeddings of windows of `window_ms` by a version of a base, so many `values` each."""

    base: str
    version: str
    window_ms: int
    values: int


@dataclass(frozen=True)
class IndexedRecording:
    """A recording in the catalog. `windows` per channel were indexed; `fault` says why it is left out, if it is."""

    id: int
    source: str
    path: str
    bytes: int
    windows: int
    is_complete: bool
    fault: str | None


@dataclass(frozen=True)
class NewRange:
    """Vectors of consecutive windows: their rows, the channel of the recording, and the start in µs since the epoch."""

    rows: Rows
    channel: int
    start_us: int


@dataclass(frozen=True)
class IndexLayout:
    """All ranges of an index as arrays of the same length: `channels` holds indices into `names`."""

    names: tuple[str, ...]
    first_rows: NDArray[np.int64]
    rows: NDArray[np.int64]
    channels: NDArray[np.int64]
    starts_us: NDArray[np.int64]
    revision: int

    def __len__(self) -> int:
        return int(self.rows.sum())


class Catalog:
    """The catalog in the folder of an index. All methods raise sqlite3.Error; each has a connection of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE

    @classmethod
    def create(cls, folder: Path, about: IndexAbout) -> Catalog:
        """A new one, in a folder that has none."""
        made = cls(folder)
        with closing(sqlite3.connect(made.path, timeout=_WAIT_S)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;")
            with connection:
                connection.execute("INSERT INTO about VALUES (:base, :version, :window_ms, :values)", asdict(about))
        return made

    def about(self) -> IndexAbout | None:
        """What the index holds; None if it is not complete, or of another format."""
        if not self.path.is_file():
            return None
        with closing(self._connect()) as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] != FORMAT:
                return None
            found = connection.execute('SELECT base, version, window_ms, "values" FROM about').fetchone()
        return None if found is None else IndexAbout(*found)

    def revision(self) -> int:
        """A number that changes with the catalog."""
        with closing(self._connect()) as connection:
            return int(connection.execute("SELECT number FROM revision").fetchone()[0])

    def recordings(self) -> list[IndexedRecording]:
        """All recordings, in no order."""
        with closing(self._connect()) as connection:
            found = connection.execute("SELECT id, source, path, bytes, windows, is_complete, fault FROM recordings")
            return [
                IndexedRecording(number, source, path, size, windows, bool(is_complete), fault)
                for number, source, path, size, windows, is_complete, fault in found
            ]

    def layout(self) -> IndexLayout:
        """Where all vectors are."""
        with closing(self._connect()) as connection:
            connection.execute("BEGIN")
            revision = int(connection.execute("SELECT number FROM revision").fetchone()[0])
            rows = connection.execute(
                "SELECT source, channel, first_row, rows, ranges.start FROM ranges "
                "JOIN recordings ON recordings.id = recording_id ORDER BY first_row"
            ).fetchall()
        numbers: dict[tuple[str, int], int] = {}
        owners = [numbers.setdefault((source, channel), len(numbers)) for source, channel, *_ in rows]
        values = np.array([row[2:] for row in rows], np.int64).reshape(-1, 3)
        return IndexLayout(
            names=tuple(port_name(source, channel) for source, channel in numbers),
            first_rows=values[:, 0],
            rows=values[:, 1],
            channels=np.array(owners, np.int64),
            starts_us=values[:, 2],
            revision=revision,
        )

    def begin(self, source: str, path: str, size_bytes: int) -> int:
        """Add a recording, of which nothing is indexed yet. Returns its number."""
        with self._change() as connection:
            made = connection.execute(
                "INSERT INTO recordings (source, path, bytes, windows, is_complete) VALUES (?, ?, ?, 0, 0)",
                (source, path, size_bytes),
            )
            return int(made.lastrowid or 0)

    def add(self, recording: int, ranges: Sequence[NewRange], *, windows: int) -> None:
        """Add vectors of a recording, which are on disk: so many `windows` of each of its channels are now indexed."""
        rows = [(one.rows[0], one.rows[1], one.channel, one.start_us, recording) for one in ranges]
        with self._change() as connection:
            connection.executemany("INSERT INTO ranges VALUES (?, ?, ?, ?, ?)", rows)
            connection.execute("UPDATE recordings SET windows = ? WHERE id = ?", (windows, recording))

    def complete(self, recording: int, *, fault: str | None = None) -> None:
        """All of a recording is indexed, or with a `fault`, it can be indexed no further."""
        with self._change() as connection:
            connection.execute("UPDATE recordings SET is_complete = 1, fault = ? WHERE id = ?", (fault, recording))

    def remove(self, recordings: Iterable[int]) -> None:
        """Remove recordings and their vectors."""
        with self._change() as connection:
            connection.executemany("DELETE FROM recordings WHERE id = ?", [(one,) for one in recordings])

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_WAIT_S)
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    @contextmanager
    def _change(self) -> Iterator[sqlite3.Connection]:
        with closing(self._connect()) as connection, connection:
            connection.execute("PRAGMA synchronous = FULL")
            yield connection
            connection.execute("UPDATE revision SET number = number + 1")
