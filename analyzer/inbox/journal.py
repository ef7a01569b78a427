"""The journal of the inference: what became of each file, so that a kill at any moment costs and repeats nothing.

A file passes through these steps, each of which may be repeated:

1. It is analyzed. If that is interrupted, nothing remains of it.
2. Its outcome is committed to the journal: the rows for the CSV file, the place the file goes to, the detections for
   the sinks, and the counts. This is the moment from which the file counts as analyzed.
3. The rows are appended to the CSV file, and the file is moved or deleted.
4. The new length of the CSV file is committed, and the entry of the file is removed from the journal.

The detections stay in the journal until all sinks have taken them.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from analyzer.archive.job import FileOutcome
from analyzer.inbox.entries import CsvState, InboxCounts, InboxEntry, WantedDetections
from analyzer.inbox.folder import WaitingFile
from analyzer.inbox.sole_use import other_inference
from tidzam.errors import TidzamError
from tidzam.results import Detection
from tidzam.text import shown

log = logging.getLogger(__name__)

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS begun (
    name BLOB PRIMARY KEY, size INTEGER NOT NULL, changed_ns INTEGER NOT NULL, times INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS analyzed (
    number INTEGER PRIMARY KEY,
    name BLOB NOT NULL UNIQUE,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    day TEXT NOT NULL,
    rows BLOB NOT NULL,
    target BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS csv (
    day TEXT PRIMARY KEY, number INTEGER NOT NULL, length INTEGER NOT NULL, digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS found (number INTEGER PRIMARY KEY AUTOINCREMENT, outcome TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS wanted (
    sink TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (sink, number)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS wanted_by_number ON wanted (number);
CREATE TABLE IF NOT EXISTS counts (name TEXT PRIMARY KEY, value REAL NOT NULL) WITHOUT ROWID;
"""


class InboxJournal:
    """An open journal. One process at a time may have it open; any of its threads may use it.

    All methods raise TidzamError (`journal`) if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        """Open it. One that is damaged is set aside, as `NAME.damaged`, and another one is begun."""
        self.path = path
        self._lock = threading.RLock()
        with self._errors_named():
            try:
                self._database = self._opened()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):  # it is used by another process, or the disk is full
                    raise
                self._set_aside(error)
                self._database = self._opened()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            _begin(database)
        except BaseException:
            database.close()
            raise
        return database

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        aside = self.path.with_name(f"{self.path.name}.damaged")
        log.error("%s is damaged (%s): it is now %s, and another one is begun", self.path, error, aside)
        self.path.replace(aside)
        for suffix in ("-wal", "-shm", "-journal"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)

    def begin(self, file: WaitingFile) -> int:
        """Note that the analysis of a file begins. Returns how often it began before, without coming to an end."""
        with self._transaction():
            times = int(self._one(_TIMES_BEGUN, *_key(file)) or 0)
            self._database.execute("INSERT OR REPLACE INTO begun VALUES (?, ?, ?, ?)", (*_key(file), times + 1))
        return times

    def begun_often(self, times: int) -> Set[tuple[str, tuple[int, int]]]:
        """The names and stamps of the files whose analysis began so often, or more, without coming to an end."""
        query = "SELECT name, size, changed_ns FROM begun WHERE times >= ?"
        with self._errors_named():
            rows = self._database.execute(query, (times,))
            return {(os.fsdecode(name), (size, changed_ns)) for name, size, changed_ns in rows}

    def cancel(self, file: WaitingFile) -> None:
        """Note that the analysis was given up, which says nothing about the file."""
        with self._transaction():
            self._database.execute("UPDATE begun SET times = times - 1 WHERE name = ?", (os.fsencode(file.name),))

    def commit(
        self, entry: InboxEntry, counts: InboxCounts, found: Sequence[Detection] = (), sinks: Sequence[str] = ()
    ) -> None:
        """Commit the outcome of a file: it is analyzed. `counts` are added, `sinks` are to receive what is found."""
        with self._transaction():
            self._database.execute("DELETE FROM begun WHERE name = ?", (os.fsencode(entry.name),))
            self._database.execute(
                "INSERT INTO analyzed (name, size, changed_ns, day, rows, target) VALUES (?, ?, ?, ?, ?, ?)",
                (os.fsencode(entry.name), *entry.stamp, entry.day, entry.rows, os.fsencode(entry.target)),
            )
            if found and sinks:
                text = FileOutcome(None, found=tuple(found)).as_json()
                number = self._database.execute("INSERT INTO found (outcome) VALUES (?)", (text,)).lastrowid
                self._database.executemany("INSERT INTO wanted VALUES (?, ?)", [(sink, number) for sink in sinks])
            self._database.executemany(
                "INSERT INTO counts VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                list(vars(counts).items()),
            )

    def entries(self) -> Sequence[InboxEntry]:
        """The files that were analyzed and are not yet where they belong, in the order of their analysis."""
        query = "SELECT name, size, changed_ns, day, rows, target FROM analyzed ORDER BY number"
        with self._errors_named():
            return [
                InboxEntry(os.fsdecode(name), (size, changed_ns), day, rows, os.fsdecode(target))
                for name, size, changed_ns, day, rows, target in self._database.execute(query)
            ]

    def csv_state(self, day: str) -> CsvState:
        """What was committed of the CSV file of a day."""
        with self._errors_named():
            query = "SELECT number, length, digest FROM csv WHERE day = ?"
            row = self._database.execute(query, (day,)).fetchone()
            return CsvState() if row is None else CsvState(*row)

    def finished(self, entry: InboxEntry, written: CsvState | None = None) -> None:
        """Commit that a file is where it belongs, and its rows in the CSV file of its day, if there are any."""
        with self._transaction():
            if written is not None:
                row = (entry.day, written.number, written.length, written.digest)
                self._database.execute("INSERT OR REPLACE INTO csv VALUES (?, ?, ?, ?)", row)
            self._database.execute("DELETE FROM analyzed WHERE name = ?", (os.fsencode(entry.name),))

    def next_for(self, sink: str) -> WantedDetections | None:
        """The oldest detections that a sink has not taken yet."""
        query = "SELECT number, outcome FROM wanted JOIN found USING (number) WHERE sink = ? ORDER BY number LIMIT 1"
        with self._errors_named():
            row = self._database.execute(query, (sink,)).fetchone()
            return None if row is None else WantedDetections(row[0], FileOutcome.from_json(row[1]).found)

    def taken(self, sink: str, number: int) -> None:
        """Commit that a sink has taken the detections of a file."""
        with self._transaction():
            self._database.execute("DELETE FROM wanted WHERE sink = ? AND number = ?", (sink, number))
            still = "EXISTS (SELECT 1 FROM wanted WHERE number = ?)"
            self._database.execute(f"DELETE FROM found WHERE number = ? AND NOT {still}", (number, number))

    def drop_for(self, sink: str, *, keep: int) -> int:
        """Drop the oldest detections that a sink has not taken, so that those of `keep` files remain. Returns the
        number of files whose detections it will not receive."""
        limit = "SELECT number FROM wanted WHERE sink = ? ORDER BY number DESC LIMIT 1 OFFSET ?"
        with self._transaction():
            query = f"DELETE FROM wanted WHERE sink = ? AND number <= ({limit})"
            dropped = self._database.execute(query, (sink, sink, keep)).rowcount
            if dropped:
                self._database.execute("DELETE FROM found WHERE number NOT IN (SELECT number FROM wanted)")
        return dropped

    def waiting_for(self) -> Mapping[str, int]:
        """By sink, the number of files whose detections it has not taken yet."""
        with self._errors_named():
            return dict(self._database.execute("SELECT sink, COUNT(*) FROM wanted GROUP BY sink"))

    def counts(self) -> InboxCounts:
        """What was done since the journal was begun."""
        with self._errors_named():
            values: dict[str, float] = dict(self._database.execute("SELECT name, value FROM counts"))
        return InboxCounts(
            analyzed=int(values.get("analyzed", 0)),
            with_detections=int(values.get("with_detections", 0)),
            detections=int(values.get("detections", 0)),
            rejected=int(values.get("rejected", 0)),
            audio_s=values.get("audio_s", 0.0),
        )

    def _one(self, query: str, *values: object) -> Any:
        row = self._database.execute(query, values).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All or nothing, and on disk at the end."""
        with self._errors_named():
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            with self._lock:
                yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise other_inference(self.path) from None
            raise self._fault(error) from None
        except (sqlite3.Error, OSError, ValueError) as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> TidzamError:
        return TidzamError(
            f"{shown(self.path)} cannot be used as a journal: {error}.", hint="Free some room.", code="journal"
        )


def _begin(database: sqlite3.Connection) -> None:
    for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
        database.execute(f"PRAGMA {pragma}")
    database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
    (fault,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        raise sqlite3.DatabaseError(fault)


_TIMES_BEGUN: Final = "SELECT times FROM begun WHERE name = ? AND size = ? AND changed_ns = ?"


def _key(file: WaitingFile) -> tuple[bytes, int, int]:
    """Names are kept as bytes: they need not be UTF-8."""
    return os.fsencode(file.name), *file.stamp
