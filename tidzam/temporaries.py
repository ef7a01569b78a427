"""Temporary files and folders beside what they are to replace. Those that a killed process left behind are recognized
by their names and by a lock that nobody holds, and are deleted."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

log = logging.getLogger(__name__)

_PREFIX: Final = ".tidzam-"
_NAME: Final = re.compile(re.escape(_PREFIX) + "[0-9a-f]{16}")
_looked_at: set[Path] = set()


@contextmanager
def temporary_file(folder: Path, *, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """A new, hidden file in `folder`, open for writing. It is deleted at the end, unless it was moved meanwhile.

    `mode` holds its permissions, less the umask. Raises OSError.
    """
    path, descriptor = _locked(folder, lambda path: os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode))
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield path, file
    finally:
        path.unlink(missing_ok=True)


@contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A new, hidden folder in `folder`, which is deleted with its content at the end. Raises OSError."""

    def make(path: Path) -> int:
        path.mkdir(mode=0o700)
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    path, descriptor = _locked(folder, make)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(descriptor)


def _locked(folder: Path, make: Callable[[Path], int]) -> tuple[Path, int]:
    """What `make` makes under a name of ours: its path, and the descriptor that keeps it locked."""
    if folder.absolute() not in _looked_at:
        remove_leftovers(folder)
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
        try:
            descriptor = make(path)
        except FileNotFoundError:
            if not folder.is_dir():
                raise
            continue  # another process took the folder for a leftover before it was open
        with suppress(OSError):  # not every file system has locks; then leftovers are never deleted
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():  # else another process took it for a leftover before it was locked
            return path, descriptor
        os.close(descriptor)


def remove_leftovers(folder: Path) -> int:
    """Delete what killed processes left in `folder`; returns the number. What cannot be deleted stays.

    It happens by itself before a process first makes something temporary in a folder.
    """
    _looked_at.add(folder.absolute())
    removed = 0
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _NAME.fullmatch(entry.name) and not entry.is_symlink():
                with suppress(OSError):  # BlockingIOError: it is being written
                    _remove(Path(entry.path), is_folder=entry.is_dir())
                    removed += 1
    if removed:
        log.info("deleted from %s what a killed process left: %d temporary files or folders", folder, removed)
    return removed


def _remove(path: Path, *, is_folder: bool) -> None:
    """Raises OSError: also if a process uses it."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        if is_folder:
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(descriptor)
