"""Files that can be made again, in a folder of limited size: those that were not used for longest are deleted first."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

_IN_USE_S: Final = 60.0
"""A file that was used less than this long ago may be read by someone, and stays."""
_LOCKS: Final = 64
_locks: Final = tuple(threading.Lock() for _ in range(_LOCKS))
_SLACK: Final = 20
"""A twentieth of the limit may be added before the folder is looked through again: it may hold many files."""
_added: dict[Path, float] = {}
"""By folder, the bytes that were added since it was last looked through."""


class FileCache:
    """The files of a folder, which together take at most `max_bytes`, apart from those in use. Any thread may use it.

    All methods raise OSError.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder, self._max_bytes = folder, max_bytes

    def known(self, name: str) -> Path | None:
        """The file called `name`, now in use; None if there is none."""
        path = self.folder / name
        try:
            os.utime(path)
        except FileNotFoundError:
            return None
        return path

    def get(self, name: str, make: Callable[[Path], None]) -> Path:
        """The file called `name`, now in use. If there is none, `make` writes it to the path it is called with."""
        with _locks[hash(name) % _LOCKS]:
            found = self.known(name)
            if found is not None:
                return found
            self.folder.mkdir(parents=True, exist_ok=True)
            path, fresh = self.folder / name, self.folder / f".{name}-{os.getpid()}"
            try:
                make(fresh)
                fresh.replace(path)
            finally:
                fresh.unlink(missing_ok=True)
        self._count(path.stat().st_size)
        return path

    def _count(self, size: int) -> None:
        added = _added.get(self.folder, float("inf")) + size
        _added[self.folder] = added
        if added > self._max_bytes / _SLACK:
            _added[self.folder] = 0
            self.trim()

    def trim(self) -> None:
        """Delete what was not used for longest, until the rest fits."""
        with os.scandir(self.folder) as entries:
            found = [(entry.stat(), entry.path) for entry in entries if entry.is_file(follow_symlinks=False)]
        size, now_s = sum(status.st_size for status, _ in found), time.time()
        for status, path in sorted(found, key=lambda one: one[0].st_mtime):
            if size <= self._max_bytes or now_s - status.st_mtime < _IN_USE_S:
                return
            with suppress(FileNotFoundError):
                Path(path).unlink()
            size -= status.st_size
