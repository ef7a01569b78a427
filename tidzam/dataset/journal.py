"""What a writer notes after each whole shard, so that a killed run can go on from the last one."""

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
    """Whole shards. `mark` and `of_mark` say how far the writer's caller was, `notes` what it noted meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shards: tuple[Shard, ...]
    origins_bytes: int
    mark: int
    of_mark: int
    notes: tuple[dict[str, Any], ...] = ()


class Journal:
    """An open journal. Its first line is the job that the run does: another job cannot go on from it."""

    def __init__(self, folder: Path, job: Mapping[str, Any]) -> None:
        self._path = folder / JOURNAL
        self._job = json.dumps(job, sort_keys=True)
        self._file: IO[str] | None = None

    def begin(self) -> None:
        """Start anew. Raises OSError."""
        self._file = self._path.open("w", encoding="utf-8")
        self._write(f"{self._job}\n")

    def resume(self) -> list[JournalEntry] | None:
        """The steps that were done, and be ready to note more; None if there is no journal, or of another job."""
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
            steps = [JournalEntry.model_validate_json(line) for line in lines[1:]]
        except ValidationError:
            return None
        os.truncate(self._path, len(whole.encode()) + 1)
        self._file = self._path.open("a", encoding="utf-8")
        return steps

    def note(self, step: JournalEntry) -> None:
        """Add a step, a line that is whole or does not count. Raises OSError."""
        self._write(f"{step.model_dump_json()}\n")

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _write(self, lines: str) -> None:
        assert self._file is not None
        self._file.write(lines)
        self._file.flush()
