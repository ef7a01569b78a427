"""Nested class folders as a label tree: folders with audio files are classes, those around them their parents."""

from __future__ import annotations

from pathlib import Path

from tidzam.audio.walk import LeftOut, walk
from tidzam.clips import LOOSE, Clip, FoundClips, class_folders, found_clips, group_of
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree, clean_label

Way = tuple[str, ...]
"""The labels on the way from a root of the tree to a class."""


def find_leaves(folder: Path) -> tuple[FoundClips, LabelTree]:
    """The clips under `folder`, each of the class that the folder it lies in names, and the tree of these folders.

    Raises DatasetError if there is none, or if two folders have one name (`dataset_labels`).
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Name a folder that has one folder per class.")
    found = walk(folder)
    ways: dict[str, Way] = {}
    clips, left_out = list[Clip](), list(found.left_out)
    for path in found.files:
        way = tuple(map(clean_label, path.relative_to(folder).parts[:-1]))
        if way:
            clips.append(Clip(path, way[-1], group_of(path)))
        else:
            left_out.append(LeftOut(path, LOOSE))
        for depth in range(1, len(way) + 1):
            _note(ways, way[:depth])
    empty = (home.name for home in class_folders(folder) if clean_label(home.name) not in ways)
    parents = {label: None if len(way) == 1 else way[-2] for label, way in sorted(ways.items())}
    return found_clips(folder, clips, empty, left_out), LabelTree(parents)


def _note(ways: dict[str, Way], way: Way) -> None:
    other = ways.setdefault(way[-1], way)
    if other != way:
        raise DatasetError(
            f"Two folders name the class {way[-1]!r}: {'/'.join(other)} and {'/'.join(way)}.",
            hint="Rename one of them.",
            code="dataset_labels",
        )
