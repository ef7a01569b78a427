"""Walking folders, links included: the audio files in them, and what was left out, with the reasons."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tidzam.audio.file_types import is_audio, is_system_file

NAMED: Final = 3
"""How many files of a kind a remark names; the rest are counted."""

NOT_AUDIO: Final = "not audio"
NO_TARGET: Final = "broken links"
SEEN: Final = "links to folders that are read already, or that contain them"
NOT_REGULAR: Final = "not regular files"

Identity = tuple[int, int]


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that was not read, and the reason."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Walk:
    """The files in a folder and below that were searched for, sorted by path, and those that were left out.

    Files of operating systems (`.DS_Store`, `__MACOSX`, `Thumbs.db` …) are in neither.
    """

    files: tuple[Path, ...]
    left_out: tuple[LeftOut, ...]


def walk(folder: Path, *, root: Path | None = None, wanted: Callable[[Path], bool] = is_audio) -> Walk:
    """The files in `folder` and below that are `wanted`: by default, audio files.

    Links to folders are followed once each, and never to what contains `folder` (or `root`, which is above it).
    Never raises OSError: what cannot be read is left out.
    """
    walker = _Walker(wanted, above(root or folder.resolve().parent))
    walker.visit(folder)
    return Walk(tuple(sorted(walker.files)), tuple(sorted(walker.left_out, key=lambda one: one.path)))


def above(folder: Path) -> set[Identity]:
    """The identities of a folder and of all that contain it."""
    real = folder.resolve()
    return {found for one in (real, *real.parents) if (found := _identity(one)) is not None}


def remarks(left_out: Iterable[LeftOut], folder: Path) -> Iterator[str]:
    """A line per reason: the names of the first few, below `folder`, and how many more there are."""
    of_reason: dict[str, list[str]] = {}
    for one in left_out:
        of_reason.setdefault(one.reason, []).append(_name(one.path, folder))
    for reason, names in of_reason.items():
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"left out ({reason}): {', '.join(names[:NAMED])}{more}"


class _Walker:
    def __init__(self, wanted: Callable[[Path], bool], seen: set[Identity]) -> None:
        self.files: list[Path] = []
        self.left_out: list[LeftOut] = []
        self._wanted, self._seen = wanted, seen

    def visit(self, folder: Path) -> None:
        """Real folders come before links, so that a file keeps its own path where both lead to it."""
        folders, links = [folder], list[Path]()
        while folders or links:
            self._read(folders.pop() if folders else links.pop(0), folders, links)

    def _read(self, folder: Path, folders: list[Path], links: list[Path]) -> None:
        identity = _identity(folder)
        if identity in self._seen:
            self._leave_out(folder, SEEN)
            return
        if identity is not None:
            self._seen.add(identity)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self._leave_out(folder, _unreadable(error))
            return
        for entry in entries:
            path = Path(entry.path)
            if is_system_file(path):
                continue
            try:
                if entry.is_dir():
                    (links if entry.is_symlink() else folders).append(path)
                else:
                    self._look_at(path, entry)
            except OSError as error:
                self._leave_out(path, _unreadable(error))

    def _look_at(self, path: Path, entry: os.DirEntry[str]) -> None:
        if entry.is_symlink() and not path.exists():
            self._leave_out(path, NO_TARGET)
        elif not self._wanted(path):
            self._leave_out(path, NOT_AUDIO)
        elif not entry.is_file():
            self._leave_out(path, NOT_REGULAR)
        else:
            self.files.append(path)

    def _leave_out(self, path: Path, reason: str) -> None:
        self.left_out.append(LeftOut(path, reason))


def _identity(folder: Path) -> Identity | None:
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _unreadable(error: OSError) -> str:
    return f"cannot be read: {(error.strerror or str(error)).lower()}"


def _name(path: Path, folder: Path) -> str:
    """A name that is safe for any terminal."""
    name = str(path.relative_to(folder) if path.is_relative_to(folder) else path)
    name = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return name if name.isprintable() else repr(name)
