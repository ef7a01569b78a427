"""The original's options, in the order in which they are done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from database_tool import actions, operations
from database_tool.actions import Result
from database_tool.import_commands import Compiling, clips_in
from database_tool.options import beside
from database_tool.terminal import file_count
from tidzam.dataset import open_dataset
from tidzam.dataset.manifest import MANIFEST


@dataclass(frozen=True, kw_only=True)
class LegacyOptions:
    """What is asked for of `dataset`."""

    dataset: Path
    audio_folder: Path | None = None
    merge: Path | None = None
    classe: str = ""
    rename: str = ""
    balance: bool = False
    randomize: bool = False
    split: float | None = None
    split_name: str = ""
    metadata: bool = False
    file_count: bool = False
    seed: int = 0
    how: Compiling


def require_sense(asked: LegacyOptions) -> None:
    """Before anything is done. Raises BadParameter for options that do not go together."""
    if asked.split_name and asked.split is None:
        raise typer.BadParameter("--split-name goes with --split. Say which part: --split 0.2.")
    things = (asked.audio_folder, asked.merge, asked.rename, asked.balance, asked.randomize, asked.split)
    if asked.how.resume and sum(map(bool, things)) > 1:  # what was done before the interruption would be done again
        raise typer.BadParameter("--resume goes on with one thing: name what was interrupted alone, then the rest.")


def carry_out(asked: LegacyOptions) -> Iterator[Result]:
    """Do it all, telling of each; lazily, so that a person reads of one thing while the next is done."""
    place, seed, resume = asked.dataset, asked.seed, asked.how.resume
    if asked.audio_folder is not None:
        clips = clips_in(asked.audio_folder, asked.classe)
        yield actions.compiled([asked.how.run(clips, place, source=asked.audio_folder)])
    if asked.merge is not None:
        yield actions.merge(place, [asked.merge], classe=asked.classe, into=None)
    if asked.classe and asked.audio_folder is None and asked.merge is None:
        yield _with_class(place, asked.classe)
    if asked.rename:
        yield actions.rename(place, asked.rename)
        place = beside(place, asked.rename)
    if asked.balance:
        yield actions.balance(place, into=None, seed=seed, resume=resume)
    if asked.randomize:
        yield actions.randomize(place, into=None, seed=seed, resume=resume)
    if asked.split is not None:
        yield actions.split_off(place, asked.split, asked.split_name, rest="", by="group", seed=seed, resume=resume)
    if asked.metadata:
        yield actions.metadata(place)
    if asked.file_count:
        count = file_count(open_dataset(place))
        yield Result(f"{place}: {count:,} files", {"dataset": str(place), "files": count})


def place_of(asked: LegacyOptions) -> Path:
    """Where the dataset is when all is done."""
    return beside(asked.dataset, asked.rename) if asked.rename else asked.dataset


def _with_class(place: Path, label: str) -> Result:
    """An empty class more; where there is no dataset, one of that class alone."""
    if (place / MANIFEST).is_file():
        return actions.add_class(place, label)
    operations.begin(place, label)
    return Result(f"{place}: a new dataset with the empty class {label}", {"dataset": str(place), "samples": 0})
