"""Makes room on a full disk, so that recording goes on: the oldest files of some folders are deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from stream_manager.recordings.file_names import parse_file_name

MARGIN: Final = 2
"""How many times the space at which recording pauses is to be free."""


def make_room(folders: Sequence[Path], *, free_bytes: int, wanted_bytes: int) -> Iterator[Path]:
    """Delete recordings until `wanted_bytes` are free: those of the first folder first, and the oldest of it first.

    Yields each file that was deleted. Raises OSError if a folder cannot be read.
    """
    for folder in folders:
        for path in _oldest_first(folder):
            if free_bytes >= wanted_bytes:
                return
            with suppress(OSError):  # it was taken away meanwhile, or belongs to another user
                size = path.stat().st_size
                path.unlink()
                free_bytes += size
                yield path


def _oldest_first(folder: Path) -> list[Path]:
    """The recordings in `folder`, by the times in their names. Raises OSError."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        named = [(name.local, entry.path) for entry in entries if (name := parse_file_name(entry.name)) is not None]
    return [Path(path) for _, path in sorted(named)]
