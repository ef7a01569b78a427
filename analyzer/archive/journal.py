"""The journal of an archive's analysis: the outcome of every finished file, so that a killed run can be continued.

It is an SQLite file. An outcome is written in one transaction as soon as its file is finished, so that it is there
whole or not at all, also after `kill -9`. One run at a time may write it.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import tidzam
from analyzer.archive.inputs import ArchiveFile
from analyzer.archive.job import FileOutcome, clip_sinks
from tidzam.bundle import MANIFEST, cascade_folders, novelty_folders
from tidzam.config.settings import AnalyzerSettings
from tidzam.errors import TidzamError
from tidzam.text import shown

VERSION: Final = 3
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS run (version INTEGER NOT NULL, fingerprint TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    outcome TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sent (
    path TEXT NOT NULL,
    size INTEGER NOT NULL,
    changed_ns INTEGER NOT NULL,
    sink TEXT NOT NULL,
    PRIMARY KEY (path, size, changed_ns, sink)
) WITHOUT ROWID;
"""
_NOT_RESULTS: Final = {"host", "port", "ports", "threads", "max_channels", "sinks"}
"""Settings that do not change the results of a file. Of the sinks, those of clips do: see `fingerprint`."""


def fingerprint(settings: AnalyzerSettings, home: Path | None = None, **options: Any) -> str:
    """A digest of all that the results and clips depend on besides the files: version, settings, options, bundles."""
    digest = hashlib.sha256(tidzam.__version__.encode())
    bundles = cascade_folders(settings.nn, settings.models, home=home)
    for bundle in (*bundles, *novelty_folders(settings.novelty, home=home)):
        digest.update((bundle / MANIFEST).read_bytes())
    values = settings.model_dump(mode="json", exclude=_NOT_RESULTS | {"nn", "novelty"})
    clips = [sink.model_dump(mode="json", exclude={"budget"}) for sink in clip_sinks(settings)]
    digest.update(json.dumps([values, clips, options], sort_keys=True, default=str).encode())
    return digest.hexdigest()


class ArchiveJournal:
    """An open journal. All methods raise TidzamError (`journal`) if the file cannot be read or written.

    Without a `path` it is kept in memory. `discarded` says whether the file held the results of a run with other
    settings or classifiers, which were removed. Unless `resume`, any earlier results are removed.
    """

    def __init__(self, path: Path | None, fingerprint: str, *, resume: bool = True) -> None:
        self.path = path
        self.discarded = False
        with self._errors_named():
            self._database = sqlite3.connect(path or ":memory:", timeout=0, isolation_level=None)
            try:
                self._begin(fingerprint, resume=resume)
            except BaseException:
                self._database.close()
                raise

    @property
    def name(self) -> str:
        """Its path for a message."""
        return "A file in memory" if self.path is None else shown(self.path)

    def _begin(self, fingerprint: str, *, resume: bool) -> None:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL"):
            self._database.execute(f"PRAGMA {pragma}")
        self._database.executescript(f"BEGIN EXCLUSIVE; {_SCHEMA} COMMIT;")
        known = self._database.execute("SELECT version, fingerprint FROM run").fetchone()
        if known == (VERSION, fingerprint) and resume:
            return
        self.discarded = known is not None and resume
        self._database.execute("BEGIN")
        self._database.execute("DELETE FROM files")
        self._database.execute("DELETE FROM sent")
        self._database.execute("DELETE FROM run")
        self._database.execute("INSERT INTO run VALUES (?, ?)", (VERSION, fingerprint))
        self._database.execute("COMMIT")

    def add(self, file: ArchiveFile, outcome: FileOutcome) -> None:
        """Write the outcome of a file, in place of an earlier one."""
        with self._errors_named():
            row = (_key(file), *file.stamp, outcome.is_final, outcome.as_json())
            self._database.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", row)

    def outcome(self, file: ArchiveFile) -> FileOutcome | None:
        """The outcome of a file; None if there is none, or the file was changed since."""
        with self._errors_named():
            query = "SELECT outcome FROM files WHERE path = ? AND size = ? AND changed_ns = ?"
            text = self._one(query, _key(file), *file.stamp)
            return None if text is None else FileOutcome.from_json(text)

    def is_finished(self, file: ArchiveFile) -> bool:
        """Whether a file is finished: one that failed, or whose clips could not be written, is analyzed again."""
        with self._errors_named():
            query = "SELECT finished FROM files WHERE path = ? AND size = ? AND changed_ns = ?"
            return bool(self._one(query, _key(file), *file.stamp))

    def add_sent(self, file: ArchiveFile, sink: str) -> None:
        """Note that a sink has taken the detections of a file."""
        with self._errors_named():
            self._database.execute("INSERT OR IGNORE INTO sent VALUES (?, ?, ?, ?)", (_key(file), *file.stamp, sink))

    def sent_to(self, file: ArchiveFile) -> frozenset[str]:
        """The sinks that have taken the detections of a file."""
        with self._errors_named():
            query = "SELECT sink FROM sent WHERE path = ? AND size = ? AND changed_ns = ?"
            return frozenset(sink for (sink,) in self._database.execute(query, (_key(file), *file.stamp)))

    def _one(self, query: str, *values: object) -> Any:
        row = self._database.execute(query, values).fetchone()
        return None if row is None else row[0]

    def delete(self) -> None:
        """Close and delete it: its results are elsewhere."""
        self.close()
        if self.path is None:
            return
        for suffix in ("", "-wal", "-shm", "-journal"):
            self.path.with_name(f"{self.path.name}{suffix}").unlink(missing_ok=True)

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise TidzamError(
                    f"Another run is writing {self.name}.",
                    hint="Wait until it ends, or specify another file with --journal.",
                    code="journal",
                ) from None
            raise self._fault(error) from None
        except (sqlite3.Error, ValueError) as error:
            raise self._fault(error) from None

    def _fault(self, error: Exception) -> TidzamError:
        return TidzamError(
            f"{self.name} cannot be used as a journal: {error}.",
            hint="Free some room, delete it to start again, or specify another file with --journal.",
            code="journal",
        )


def _key(file: ArchiveFile) -> str:
    """The resolved path. Bytes that are not UTF-8 are escaped, since SQLite stores text."""
    return ascii(str(file.path.resolve()))
