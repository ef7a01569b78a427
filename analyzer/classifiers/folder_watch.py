"""Watches the folders of bundles by looking at their files every second.

That also sees folders that are replaced, do not exist yet, are reached by links, or are on another machine, where
inotify reports nothing.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from analyzer.classifiers.background import in_background
from analyzer.classifiers.folder_settling import FolderSettling
from tidzam.bundle import MANIFEST

LOOK_EVERY_S: Final = 1.0

FileState = tuple[str, int, int, int]
"""A path, and its inode, its size in bytes and the time of its last change in nanoseconds."""


class FolderWatch:
    """Watches the folders that `folders` returns: bundles, and folders that hold bundles. `known` is what they held
    when they were loaded, according to `bundle_files`."""

    def __init__(self, folders: Callable[[], Sequence[Path]], known: tuple[FileState, ...], *, settle_s: float) -> None:
        self._folders, self._settling = folders, FolderSettling(known, settle_s=settle_s)

    async def look(self) -> tuple[FileState, ...]:
        """What the folders hold now."""
        return await in_background(partial(bundle_files, self._folders()), name="watch")

    def accept(self, known: tuple[FileState, ...]) -> None:
        """What `look` returned has been loaded."""
        self._settling.accept(known)

    async def changed(self) -> None:
        """Return once the folders differ from what was known, or from when this returned last, and are quiet since."""
        while True:
            state = await self.look()
            if self._settling.observe(state, time.monotonic()):
                return
            await asyncio.sleep(LOOK_EVERY_S)


def bundle_files(folders: Sequence[Path]) -> tuple[FileState, ...]:
    """The files of the bundles in `folders`, and of those that are bundles themselves, but for what cannot be read."""
    return tuple(sorted(found for folder in folders for bundle in _bundles(folder) for found in _files(bundle)))


def _bundles(folder: Path) -> Iterator[Path]:
    with suppress(OSError):
        if (folder / MANIFEST).is_file():
            yield folder
            return
        yield from (path.parent for path in folder.glob(f"[!.]*/{MANIFEST}"))


def _files(bundle: Path) -> Iterator[FileState]:
    with suppress(OSError), os.scandir(bundle) as entries:
        for entry in entries:
            with suppress(OSError):
                found = entry.stat()
                yield entry.path, found.st_ino, found.st_size, found.st_mtime_ns
