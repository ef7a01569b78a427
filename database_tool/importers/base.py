"""The contract of an importer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from tidzam.clips import Clip
from tidzam.errors import DatasetError
from tidzam.progress import Say

Parts = Mapping[str, Sequence[Clip]]
"""Clips by the dataset that they are compiled into: `""` is the one that is named on the command line, any other
key is appended to its name (`pond` and `fold-1` make `pond-fold-1`)."""


class Importer(Protocol):
    """Reads one format: `python -m database_tool import NAME PATH DATASET`.

    An importer is a dataclass, registered by name in the group `tidzam.importers`. Its docstring is the help text of
    the command. Its fields are the command's options: each is annotated as for Typer and has a default; an option of
    `database_tool.options.CompileOptions` cannot be declared again.
    """

    path_help: ClassVar[str]
    """The help text of the argument PATH."""

    def read(self, path: Path, *, say: Say) -> Parts:
        """Find the clips in `path`, a file or a folder as the user named it. It may not exist.

        There is at least one part, and at least one clip in each. The order of the clips is the order of the samples.
        It depends on the content of `path` alone, since an interrupted run is resumed by counting clips. A clip names
        its audio file, label and recording (`group`): clips of one recording stay on one side of a split. Audio is not
        opened here: the compiler decodes it and reports files that it cannot read.

        `say` receives a line for each kind of thing that is skipped, such as rows without a label.

        Raises DatasetError, and nothing else, if `path` does not exist, is not in this format or contains no labeled
        clip; for a malformed list, the message names the file and the line. SetupError may be raised if something is
        to be downloaded and cannot be.
        """
        ...


def one_part(clips: Sequence[Clip], path: Path) -> Parts:
    """All clips as one dataset. Raises DatasetError if there are none."""
    if not clips:
        raise DatasetError(f"{path} contains no clip with a label.", hint="Label some first.", code="dataset_list")
    return {"": clips}
