"""Marks beside clips and recordings that keep them: `FILE.keep` beside FILE means that no program deletes it.

People make such a file by hand. Programs make it for what somebody has marked or judged in the store, and remove only
what they have made.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

KEEP: Final = ".keep"
"""The end of a mark's name, after that of its file."""
_BY_PROGRAM: Final = b"marked or judged in the store\n"


def mark_of(path: Path) -> Path:
    """The mark of a file."""
    return path.with_name(f"{path.name}{KEEP}")


def is_kept(path: Path) -> bool:
    """Whether a file is marked."""
    return mark_of(path).exists()


def keep(path: Path) -> bool:
    """Mark a file. Returns False if it does not exist. Raises OSError."""
    if not path.is_file():
        return False
    with suppress(FileExistsError), mark_of(path).open("xb") as mark:
        mark.write(_BY_PROGRAM)
    return True


def release(path: Path) -> None:
    """Remove the mark of a file if a program made it. Raises OSError."""
    mark = mark_of(path)
    with suppress(FileNotFoundError):
        if mark.read_bytes() == _BY_PROGRAM:
            mark.unlink()


def marked_by_programs(folder: Path) -> set[Path]:
    """The files below a folder that programs have marked. Raises OSError."""
    size = len(_BY_PROGRAM)
    marks = (path for path in folder.rglob(f"*{KEEP}") if path.is_file() and path.stat().st_size == size)
    return {path.with_name(path.name.removesuffix(KEEP)) for path in marks if path.read_bytes() == _BY_PROGRAM}
