"""The clips that the analyzer extracts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from database_tool.importers.base import Parts, one_part
from tidzam.audio.folder_walk import remarks, walk
from tidzam.clips import Clip, class_folders, group_of
from tidzam.errors import DatasetError
from tidzam.labels import clean_label
from tidzam.progress import Say

WithoutOption = Annotated[
    list[str] | None, typer.Option("--without", help="Class to leave out, such as unknown; may be repeated.")
]


@dataclass(frozen=True, kw_only=True)
class ClipsImporter:
    """Clips that the analyzer extracted (--out). Their names contain the source, the channel and the time.

    Clips of one source and hour count as one recording.
    """

    path_help: ClassVar[str] = "Folder of extracted clips."

    without: WithoutOption = None

    def read(self, path: Path, *, say: Say) -> Parts:
        unwanted = set(map(clean_label, self.without or ()))
        return one_part([clip for clip in extracted_clips(path, say=say) if clip.label not in unwanted], path)


def extracted_clips(folder: Path, *, say: Say) -> list[Clip]:
    """The clips in the analyzer's output folder, in which a class may have none. Raises DatasetError."""
    if not folder.is_dir():
        raise DatasetError(f"{folder} is not a folder.", hint="Specify the folder that was the analyzer's --out.")
    clips: list[Clip] = []
    for home in class_folders(folder):
        found = walk(home, root=folder)
        clips += [Clip(path, home.name, group_of(path)) for path in found.files]
        for line in remarks(found.left_out, folder):
            say(line)
    return clips
