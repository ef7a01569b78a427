"""Folders of audio files: one folder per class, or all of a folder as one class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from database_tool.importers.base import Parts, one_part
from database_tool.options import ClassOption
from tidzam.audio.folder_walk import remarks, walk
from tidzam.clips import Clip, FoundClips, find_clips, group_of
from tidzam.errors import DatasetError
from tidzam.labels import require_label
from tidzam.progress import Say


@dataclass(frozen=True, kw_only=True)
class FoldersImporter:
    """Audio files in one folder per class; the same as `create`."""

    path_help: ClassVar[str] = "Folder of audio files."

    classe: ClassOption = ""

    def read(self, path: Path, *, say: Say) -> Parts:
        found = clips_of_class(path, require_label(self.classe)) if self.classe else find_clips(path)
        for line in found.remarks:
            say(line)
        for label in found.empty:
            say(f"class {label} has no audio file and is left out")
        return one_part(found.clips, path)


def clips_of_class(folder: Path, label: str) -> FoundClips:
    """All audio files in a folder and its subfolders, as one class. Raises DatasetError if there are none."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Specify a folder with audio files.")
    found = walk(folder)
    notes = tuple(remarks(found.left_out, folder))
    if not found.files:
        reasons = "".join(f"; {note}" for note in notes)
        raise DatasetError(f"{folder} contains no audio file{reasons}.", hint="Specify a folder with audio files.")
    return FoundClips(tuple(Clip(path, label, group_of(path)) for path in found.files), remarks=notes)
