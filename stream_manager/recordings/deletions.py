"""How many files retention has deleted of each source on each day, until the audit log has them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from tidzam.atomic import write_atomically

log = logging.getLogger(__name__)

NAME: Final = "recordings-deleted.json"


@dataclass(frozen=True, order=True)
class DayOfSource:
    """A day (UTC) on which files of a source were deleted."""

    day: date
    source: str


class DeletionCounts:
    """The counts. They are kept in the file `path`, so that they outlive the program; without one, they are not.

    Its methods may be called in any thread, and write to the disk. One that fails is logged.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path, self._lock = path, threading.Lock()
        self._files = {} if path is None else _read(path)

    def add(self, source: str, files: int, *, day: date) -> None:
        """Files of a source were deleted on this day."""
        key = DayOfSource(day, source)
        with self._lock:
            self._files[key] = self._files.get(key, 0) + files
            self._save()

    def take_before(self, day: date) -> Mapping[DayOfSource, int]:
        """The counts of earlier days, the first ones first, which are then forgotten."""
        with self._lock:
            ended = {key: self._files.pop(key) for key in sorted(self._files) if key.day < day}
            if ended:
                self._save()
        return ended

    def _save(self) -> None:
        if self._path is None:
            return
        rows = [[key.day.isoformat(), key.source, files] for key, files in self._files.items()]
        try:
            write_atomically(self._path, json.dumps(rows) + "\n")
        except OSError as error:
            log.warning("cannot write %s: %s; after a restart, the audit log lacks deletions", self._path, error)


def _read(path: Path) -> dict[DayOfSource, int]:
    """What was saved; nothing if the file is missing or damaged."""
    try:
        rows = json.loads(path.read_bytes())
        return {DayOfSource(date.fromisoformat(day), str(source)): int(files) for day, source, files in rows}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, OverflowError) as error:
        log.warning("cannot read %s: %s; the audit log will lack deletions", path, error)
        return {}
