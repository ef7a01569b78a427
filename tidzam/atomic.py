"""Files and folders that are replaced whole or not at all, and are on disk before they are visible."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from tidzam.temporaries import temporary_file

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def write_atomically(path: Path, content: str | bytes | memoryview, *, mode: int = 0o666) -> None:
    """Create or replace the file at `path`: readers see the old content or all of the new, also after a power cut.

    Text is written as UTF-8. `mode` holds the permissions of the new file, less the umask: 0o600 for a secret. The
    folder must exist. Raises OSError; the old file is then unchanged.
    """
    with replacing(path, mode=mode) as file:
        file.write(content.encode() if isinstance(content, str) else content)


@contextmanager
def replacing(path: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file for the new content of `path`, which replaces it at the end, as in `write_atomically`.

    After an exception the old file is unchanged, and nothing is left beside it. What a killed process leaves there is
    deleted later (`tidzam.temporaries`).
    """
    with temporary_file(path.parent, mode=mode) as (fresh, file):
        yield file
        file.flush()
        os.fsync(file.fileno())
        fresh.replace(path)
    sync_folder(path.parent)


def swap_in(fresh: Path, folder: Path) -> None:
    """Put the folder `fresh` in the place of `folder`, and delete what was there. Raises OSError.

    Both must be on the same file system. The content of `fresh` is flushed to disk first. Where the file system
    supports it, `folder` exists at all times.
    """
    for path in (*(path for path in fresh.rglob("*") if not path.is_symlink()), fresh):
        _sync(path)
    if not folder.exists():
        fresh.rename(folder)
    else:
        if not _exchange(fresh, folder):
            replaced = fresh.with_name(f"{fresh.name}-replaced")
            folder.rename(replaced)
            fresh.rename(folder)
            fresh = replaced
        shutil.rmtree(fresh, ignore_errors=True)  # the new folder is in place, whatever becomes of the old one
    sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Flush the names in a folder to disk: what was created, renamed or deleted there is so after a power cut.

    Raises OSError: NotADirectoryError for a file.
    """
    _sync(path, os.O_DIRECTORY)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, by Linux' renameat2. Returns whether the file system supports it."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)


def sync_file(path: Path) -> None:
    """Flush the content of a file to disk, whoever wrote it. Raises OSError."""
    _sync(path)


def _sync(path: Path, flags: int = 0) -> None:
    """Flush a file, or the names in a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
