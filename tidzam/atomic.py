"""Files and folders that are replaced whole or not at all, and are on disk before they are visible."""

from __future__ import annotations

import ctypes
import os
import shutil
from collections.abc import Iterable, Iterator
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
    _sync([path.parent])


def swap_in(fresh: Path, folder: Path) -> None:
    """Put the folder `fresh` in the place of `folder`, and delete what was there. Raises OSError.

    Both must be on the same file system. The content of `fresh` is flushed to disk first. Where the file system
    supports it, `folder` exists at all times.
    """
    _sync([*(path for path in fresh.rglob("*") if not path.is_symlink()), fresh])
    if not folder.exists():
        fresh.rename(folder)
    else:
        if not _exchange(fresh, folder):
            replaced = fresh.with_name(f"{fresh.name}-replaced")
            folder.rename(replaced)
            fresh.rename(folder)
            fresh = replaced
        shutil.rmtree(fresh, ignore_errors=True)  # the new folder is in place, whatever becomes of the old one
    _sync([folder.parent])


def _exchange(one: Path, other: Path) -> bool:
    """Swap two names in one step, by Linux' renameat2. Returns whether the file system supports it."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)


def _sync(paths: Iterable[Path]) -> None:
    """Flush files and folders to disk."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
