"""The journal of a writer: an entry after each complete shard, from which a killed run can be resumed."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tidzam.dataset.manifest import Shard

JOURNAL = "progress.jsonl"


class JournalEntry(BaseModel):
    """Complete shards. `mark` and `of_mark` are the position of the writer's caller, `notes` its new notes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shards: tuple[Shard, ...]
    origins_bytes: int
    mark: int
    of_mark: int
    notes: tuple[dict[str, Any], ...] = ()


class Journal:
    """An open journal. Its first line describes the job: another job cannot be resumed from it."""

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        self._path = folder / JOURNAL
        self._job = json.dumps(job, sort_keys=True)
        self._file: IO[str] | None = None

    def begin(self) -> None:
        """Start a new journal. Raises OSError."""
        self._file = self._path.open("w", encoding="utf-8")
        self._write(f"{self._job}\n")

    def resume(self) -> list[JournalEntry] | None:
        """Return the entries so far, and open the journal for more; None if there is no journal of this job."""
        if not self._path.is_file():
            return None
        try:
            text = self._path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None
        whole = text.rpartition("\n")[0]  # a last line without an end was cut short
        lines = whole.split("\n")
        if lines[0] != self._job:
            return None
        try:
            entries = [JournalEntry.model_validate_json(line) for line in lines[1:]]
        except ValidationError:
            return None
        os.truncate(self._path, len(whole.encode()) + 1)
        self._file = self._path.open("a", encoding="utf-8")
        return entries

    def note(self, entry: JournalEntry) -> None:
        """Add an entry: a line, which does not count unless it is complete. Raises OSError."""
        self._write(f"{entry.model_dump_json()}\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, lines: str) -> None:
        assert self._file is not None
        self._file.write(lines)
        self._file.flush()
