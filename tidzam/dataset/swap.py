"""Putting a finished folder in the place of an old one, so that at every moment one of them is there."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def swap_in(fresh: Path, folder: Path) -> None:
    """Move `fresh` to `folder`; what was there is removed."""
    if not folder.exists():
        fresh.rename(folder)
        return
    if not _exchange(fresh, folder):  # a file system that cannot: for a moment there is neither
        replaced = fresh.with_name(f"{fresh.name}-replaced")
        folder.rename(replaced)
        fresh.rename(folder)
        fresh = replaced
    shutil.rmtree(fresh, ignore_errors=True)  # the new one is in its place, whatever becomes of the old


def _exchange(one: Path, other: Path) -> bool:
    """Whether the two names changed places in one step, by Linux' renameat2."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
    return bool(done == 0)
