"""Clips: labeled sections of audio files, and the recordings they were cut from."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from tidzam.audio.file_types import is_audio, is_system_file
from tidzam.audio.folder_walk import NOT_AUDIO, LeftOut, remarks, walk
from tidzam.errors import DatasetError
from tidzam.labels import clean_label
from tidzam.naming import parse_clip_name

LOOSE = "in no class folder"

_TAKE = re.compile(r"[-_][A-Z]$")


@dataclass(frozen=True)
class Clip:
    """A section of a file that holds `label`: the whole file, unless `start_s` and `duration_s` are given.

    `group` names the recording that it was cut from. `channel` counts from 0; None is all channels as one. The label
    is cleaned.
    """

    path: Path
    label: str
    group: str
    start_s: float = 0.0
    duration_s: float | None = None
    channel: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", clean_label(self.label))


@dataclass(frozen=True)
class FoundClips(Sequence[Clip]):
    """The clips in folders; also the classes without any, and a remark for each kind of file that was left out."""

    clips: tuple[Clip, ...]
    empty: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.clips)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Clip, ...]: ...
    def __getitem__(self, index: int | slice) -> Clip | tuple[Clip, ...]:
        return self.clips[index]


def find_clips(folder: Path) -> FoundClips:
    """The clips under `folder`, which has one folder per class; these may contain folders and links.

    Folders whose names differ only in their Unicode form or in blanks at the ends are one class. A class without an
    audio file is among the empty ones. Raises DatasetError if there is no such folder, or no class has an audio file.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Specify a folder that has one folder per class.")
    clips: list[Clip] = []
    homes, left_out = class_folders(folder), _loose(folder)
    for home in homes:
        found = walk(home, root=folder)
        clips += [Clip(path, home.name, group_of(path)) for path in found.files]
        left_out += found.left_out
    return found_clips(folder, clips, (home.name for home in homes), left_out)


def found_clips(folder: Path, clips: Sequence[Clip], classes: Iterable[str], left_out: Iterable[LeftOut]) -> FoundClips:
    """The clips found in `folder`, and those of `classes` without any. Raises DatasetError if there is no clip."""
    notes, filled = tuple(remarks(left_out, folder)), {clip.label for clip in clips}
    if not clips:
        raise DatasetError(
            f"{folder} holds no class with an audio file{''.join(f'; {note}' for note in notes)}.",
            hint="Make one folder per class in it, with audio files.",
        )
    empty = dict.fromkeys(label for label in map(clean_label, classes) if label not in filled)
    return FoundClips(tuple(clips), tuple(empty), notes)


def class_folders(folder: Path) -> list[Path]:
    """The folders in `folder` that name classes, by name: all but those of an operating system."""
    return [path for path in _entries(folder) if path.is_dir()]


def _loose(folder: Path) -> list[LeftOut]:
    """The files beside the class folders."""
    loose = [path for path in _entries(folder) if not path.is_dir()]
    return [LeftOut(path, LOOSE if is_audio(path) else NOT_AUDIO) for path in loose]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not is_system_file(path))
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read: {error.strerror}.", hint="Check its permissions.") from None


def group_of(path: Path) -> str:
    """The recording a file was cut from: its name, without the letter of the take (`1-187207-A` and `-B` are one).

    For a clip that the analyzer extracted it is the source and the hour: clips cut from a live stream in succession, or
    from two channels at the same time, hold the same sounds.
    """
    clip = parse_clip_name(path)
    if clip is not None and clip.channel is not None:
        return f"{clip.source}-{clip.time:%Y-%m-%d-%H}"
    return _TAKE.sub("", path.stem)
