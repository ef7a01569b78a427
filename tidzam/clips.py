"""Clips: stretches of sound files that are said to hold a class, and the recordings they were cut from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tidzam.errors import DatasetError
from tidzam.sources import split_date

SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aif", ".aiff"})

_TAKE = re.compile(r"[-_][A-Z]$")
_CHANNEL = re.compile(r"^(?P<source>.+)-out_(?P<channel>\d+)$")


@dataclass(frozen=True)
class Clip:
    """A stretch of a file that is said to hold `label`: the whole file, unless `start_s` and `duration_s` say else.

    `group` names the recording that it was cut from. `channel` counts from 0; None is all channels as one.
    """

    path: Path
    label: str
    group: str
    start_s: float = 0.0
    duration_s: float | None = None
    channel: int | None = None


@dataclass(frozen=True)
class NamedTake:
    """What a file's name tells: the source, its channel (None: all of them), and the moment (UTC) it begins at."""

    source: str
    channel: int | None
    time: datetime


def find_clips(folder: Path) -> list[Clip]:
    """The clips under `folder`, whose own folders name the classes; they may hold folders themselves.

    Raises DatasetError if there is no such folder, or a class has no sound file.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Name a folder that holds one folder a class.")
    clips = []
    for home in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        of_class = [Clip(path, home.name, group_of(path)) for path in find_files(home)]
        if not of_class:
            raise DatasetError(f"Class {home.name!r} has no sound file.", hint=f"Fill {home}, or remove it.")
        clips += of_class
    if not clips:
        raise DatasetError(f"{folder} holds no class.", hint="Make a folder a class in it, with sound files.")
    return clips


def find_files(folder: Path) -> list[Path]:
    """The sound files in `folder` and below, by name."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def group_of(path: Path) -> str:
    """The recording a file was cut from: its name, without the letter of the take (`1-187207-A` and `-B` are one).

    Of a clip that the analyzer kept it is the source and the hour: what is cut from a live stream a moment apart, or
    from two channels at once, holds the same sounds.
    """
    take = named_take(path)
    if take is not None and take.channel is not None:
        return f"{take.source}-{take.time:%Y-%m-%d-%H}"
    return _TAKE.sub("", path.stem)


def named_take(path: Path) -> NamedTake | None:
    """What the name of a recording (`NAME-YYYY-MM-DD-HH-MM-SS`) or of a kept clip (`NAME-out_N-….mmm`) tells."""
    name, moment = split_date(path.stem)
    if moment is None:
        return None
    found = _CHANNEL.match(name)
    return NamedTake(name, None, moment) if found is None else NamedTake(found["source"], int(found["channel"]), moment)
