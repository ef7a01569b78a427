"""Follows a folder: what is in it, and what changes in it, without reading it again."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from asyncinotify import Event, Inotify, Mask

_ADDED = Mask.CLOSE_WRITE | Mask.MOVED_TO
_REMOVED = Mask.DELETE | Mask.MOVED_FROM
_MOVED = Mask.DELETE_SELF | Mask.MOVE_SELF
_LOST = _MOVED | Mask.Q_OVERFLOW | Mask.IGNORED | Mask.UNMOUNT


@dataclass(frozen=True)
class FolderChange:
    """A file that was written or moved there, or one that was removed (`is_added` is False)."""

    file_name: str
    is_added: bool


class FolderChangedError(OSError):
    """The folder itself was removed or moved, or changes were lost: it has to be read again."""


def file_names(folder: Path) -> list[str]:
    """The names of the files in a folder, but for hidden ones. Raises OSError."""
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if not entry.name.startswith(".") and not entry.is_dir()]


def changed_at(folder: Path) -> int:
    """When a file in a folder was last added, renamed or removed, in nanoseconds. Raises OSError."""
    return folder.stat().st_mtime_ns


@contextmanager
def watched(folder: Path) -> Iterator[AsyncIterator[FolderChange]]:
    """The changes in a folder from now on. Raises OSError; the iterator raises FolderChangedError."""
    with Inotify() as inotify:
        inotify.add_watch(folder, _ADDED | _REMOVED | _MOVED | Mask.ONLYDIR)
        yield _changes(inotify)


async def _changes(inotify: Inotify) -> AsyncIterator[FolderChange]:
    async for event in inotify:
        if event.mask & _LOST:
            raise FolderChangedError("their folder was replaced, or too much has changed in it at once")
        if (change := _change(event)) is not None:
            yield change


def _change(event: Event) -> FolderChange | None:
    if event.name is None or event.mask & Mask.ISDIR or event.name.name.startswith("."):
        return None
    return FolderChange(event.name.name, is_added=bool(event.mask & _ADDED))
