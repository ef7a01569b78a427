"""Nested class folders as a label tree: a folder with audio files is a class, the folders above are its parents."""

from __future__ import annotations

from pathlib import Path

from tidzam.audio.folder_walk import LeftOut, walk
from tidzam.clips import LOOSE, Clip, FoundClips, class_folders, found_clips, group_of
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree, clean_label

LabelPath = tuple[str, ...]
"""The labels from a root of the tree to a class."""


def find_leaves(folder: Path) -> tuple[FoundClips, LabelTree]:
    """The clips under `folder`, with the name of their folder as the class, and the tree of these folders.

    Raises DatasetError if there is no clip, or if two folders have the same name (`dataset_labels`).
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Give a folder with one folder per class.")
    found = walk(folder)
    paths: dict[str, LabelPath] = {}
    clips, left_out = list[Clip](), list(found.left_out)
    for path in found.files:
        labels = tuple(map(clean_label, path.relative_to(folder).parts[:-1]))
        if labels:
            clips.append(Clip(path, labels[-1], group_of(path)))
        else:
            left_out.append(LeftOut(path, LOOSE))
        for depth in range(1, len(labels) + 1):
            _note(paths, labels[:depth])
    empty = (home.name for home in class_folders(folder) if clean_label(home.name) not in paths)
    parents = {label: None if len(labels) == 1 else labels[-2] for label, labels in sorted(paths.items())}
    return found_clips(folder, clips, empty, left_out), LabelTree(parents)


def _note(paths: dict[str, LabelPath], labels: LabelPath) -> None:
    other = paths.setdefault(labels[-1], labels)
    if other != labels:
        raise DatasetError(
            f"Two folders have the class name {labels[-1]!r}: {'/'.join(other)} and {'/'.join(labels)}.",
            hint="Rename one of them.",
            code="dataset_labels",
        )
