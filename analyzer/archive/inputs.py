"""The files that `--stream` names: files, folders and globs, in a fixed order."""

from __future__ import annotations

import glob
import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path

from tidzam.audio.file_types import is_system_file
from tidzam.audio.folder_walk import remarks, walk
from tidzam.errors import AudioError
from tidzam.naming import clip_name, recording_source
from tidzam.recording_names import NamedTime, NamePattern, parse_recording_name, stem_of
from tidzam.text import shown

_SIGNS = frozenset("*?[")


@dataclass(frozen=True)
class ArchiveFile:
    """A file to analyze: its path, its path below the folder that was given, and the name of its recording.

    `named_time` is the time in its name, by the clock there and with the zone, if it states one.
    `stamp` is its size in bytes and the time of its last change in nanoseconds; both 0 if it cannot be read.
    """

    path: Path
    below: Path
    source: str
    named_time: tuple[datetime, tzinfo | None] | None
    stamp: tuple[int, int]

    @property
    def size(self) -> int:
        return self.stamp[0]


@dataclass(frozen=True)
class ArchiveInputs:
    """The files found, and remarks about what was left out."""

    files: tuple[ArchiveFile, ...]
    remarks: tuple[str, ...]


def is_plain_file(given: Sequence[str]) -> bool:
    """Whether `--stream` names a single file, rather than a folder, a glob or several files."""
    return len(given) == 1 and not Path(given[0]).is_dir() and (os.path.lexists(given[0]) or not _is_glob(given[0]))


def find_inputs(
    given: Sequence[str], *, patterns: Iterable[NamePattern] = (), leave_out: Iterable[Path] = ()
) -> ArchiveInputs:
    """The audio files that are `given`, in their order; those of a folder or glob are sorted by path.

    A file that is named, or matches a glob, is taken whatever its suffix. A file that is found twice is taken once.
    What lies in the folders `leave_out` (those of results) is not taken. Raises AudioError (`audio_missing`) if no file
    matches a glob, or there is none at all.
    """
    patterns, own = tuple(patterns), [folder.resolve() for folder in leave_out]
    found: dict[Path, tuple[Path, Path]] = {}
    notes: list[str] = []
    for text in given:
        for path, below in _expanded(text, notes):
            real = path.resolve()
            if not any(real.is_relative_to(folder) for folder in own):
                found.setdefault(real, (path, below))
    if not found:
        reason = notes[-1] if notes else "there is no audio file besides those of --out"
        raise AudioError(f"Nothing to analyze: {reason}.", hint="Check --stream.", code="audio_missing")
    files = [_file(path, below, parse_recording_name(path, patterns)) for path, below in found.values()]
    return ArchiveInputs(tuple(_with_unique_sources(files)), tuple(notes))


def _expanded(text: str, notes: list[str]) -> Iterator[tuple[Path, Path]]:
    """Paths, and the same below the folder that was given or that a glob begins with."""
    path = Path(text)
    if path.is_dir():
        yield from _in_folder(path, path, notes)
    elif os.path.lexists(text) or not _is_glob(text):
        yield path, Path(path.name)
    else:
        matches = [Path(match) for match in sorted(glob.glob(text, recursive=True))]  # noqa: PTH207  with **, and absolute
        root = _fixed_part(path)
        if not matches:
            raise AudioError(f"No file matches {shown(text)}.", hint="Check the pattern.", code="audio_missing")
        for match in matches:
            if match.is_dir():
                if "**" not in text:
                    yield from _in_folder(match, root, notes)
            elif not is_system_file(match):
                yield match, _below(match, root)


def _in_folder(folder: Path, root: Path, notes: list[str]) -> Iterator[tuple[Path, Path]]:
    found = walk(folder)
    notes += remarks(found.left_out, folder)
    if not found.files:
        notes.append(f"{shown(folder)} holds no audio file")
    yield from ((path, _below(path, root)) for path in found.files)


def _below(path: Path, root: Path) -> Path:
    return path.relative_to(root) if path.is_relative_to(root) else Path(path.name)


def _fixed_part(pattern: Path) -> Path:
    """The folders of a glob before the first that has a sign in it."""
    fixed = Path(pattern.parts[0]) if pattern.is_absolute() else Path()
    for part in pattern.parts[1 if pattern.is_absolute() else 0 : -1]:
        if _SIGNS & set(part):
            break
        fixed /= part
    return fixed


def _is_glob(text: str) -> bool:
    return bool(_SIGNS & set(text))


def _file(path: Path, below: Path, named: NamedTime | None) -> ArchiveFile:
    stem = stem_of(path)
    source = recording_source(stem if named is None else named.name or path.resolve().parent.name or stem)
    try:
        status = path.stat()
        stamp = status.st_size, status.st_mtime_ns
    except (OSError, ValueError):
        stamp = 0, 0
    return ArchiveFile(path, below, source, None if named is None else (named.local, named.zone), stamp)


def _with_unique_sources(files: Sequence[ArchiveFile]) -> Iterator[ArchiveFile]:
    """Recordings whose clips would have the same names are called after their folders and files, too.

    If that does not distinguish them either, a digest of their paths does. Else the clips of one would replace those
    of another.
    """
    count = Counter(map(_clips_of, files))
    named = [
        replace(file, source=recording_source("-".join(file.below.parts))) if count[_clips_of(file)] > 1 else file
        for file in files
    ]
    count = Counter(map(_clips_of, named))
    for file in named:
        digest = hashlib.sha256(os.fsencode(file.below)).hexdigest()[:8]
        yield replace(file, source=f"{file.source}-{digest}") if count[_clips_of(file)] > 1 else file


def _clips_of(file: ArchiveFile) -> tuple[str, object]:
    """What the names of a recording's clips begin with, and their time."""
    return clip_name(file.source), file.named_time
