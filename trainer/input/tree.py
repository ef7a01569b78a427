"""Nested class folders as a label tree: folders with sound are classes, those around them their parents."""

from __future__ import annotations

from pathlib import Path

from tidzam.clips import Clip, find_clips, find_files, group_of
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree


def find_leaves(folder: Path) -> tuple[list[Clip], LabelTree]:
    """The clips under `folder`, each of the class that the folder it lies in names, and the tree of these folders.

    Raises DatasetError if there is none, or if two folders have one name (`dataset_labels`).
    """
    find_clips(folder)  # refuses what is no folder of classes, or has an empty one
    homes: dict[str, Path] = {}
    clips = []
    for path in find_files(folder):
        home = path.parent
        if home == folder or home.name.startswith("."):
            continue
        clips.append(Clip(path, home.name, group_of(path)))
        for above in (home, *home.parents):
            if above == folder:
                break
            _note(homes, above)
    parents = {label: None if home.parent == folder else home.parent.name for label, home in sorted(homes.items())}
    return clips, LabelTree(parents)


def _note(homes: dict[str, Path], home: Path) -> None:
    other = homes.setdefault(home.name, home)
    if other != home:
        raise DatasetError(
            f"Two folders name the class {home.name!r}: {other} and {home}.",
            hint="Rename one of them.",
            code="dataset_labels",
        )
