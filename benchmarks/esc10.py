"""ESC-10 (K. J. Piczak, "ESC: Dataset for Environmental Sound Classification", 2015), laid out by folds."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tidzam.errors import DatasetError

DATA_VARIABLE = "TIDZAM_DATA"


@dataclass(frozen=True)
class Clip:
    """A clip of five seconds; its file is named FOLD-RECORDING-TAKE.ogg and lies in the folder of its class."""

    path: Path
    label: str
    fold: int


def find_clips() -> list[Clip]:
    """All clips, by class and name. Raises DatasetError, saying where it looked, if they are not there."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get(DATA_VARIABLE, default)) / "esc10"
    paths = sorted(folder.glob("*/*.ogg"))
    if not paths:
        raise DatasetError(
            f"ESC-10 is not in {folder}.",
            hint=f"Put one folder a class there, with its clips, or set {DATA_VARIABLE} to the folder above esc10.",
            code="data_missing",
        )
    return [Clip(path, path.parent.name, int(path.name.partition("-")[0])) for path in paths]


def lay_out(clips: list[Clip], folds: Collection[int], folder: Path) -> Path:
    """Link the clips of `folds` into `folder`, one folder a class, as the trainer reads them. Returns `folder`."""
    for clip in clips:
        if clip.fold in folds:
            home = folder / clip.label
            home.mkdir(parents=True, exist_ok=True)
            (home / clip.path.name).symlink_to(clip.path.resolve())
    return folder
