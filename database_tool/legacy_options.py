"""The options of Tidzam 2019, in the order in which they are carried out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from database_tool import actions, operations
from database_tool.actions import Result
from database_tool.description import file_count
from database_tool.importers.folders import FoldersImporter
from database_tool.messages import say
from database_tool.options import CompileOptions, sibling
from tidzam.dataset import open_dataset
from tidzam.dataset.manifest import MANIFEST


@dataclass(frozen=True, kw_only=True)
class LegacyOptions:
    """What is to be done with `dataset`."""

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
    compiling: CompileOptions

    @property
    def result_folder(self) -> Path:
        """Where the dataset is when everything is done."""
        return sibling(self.dataset, self.rename) if self.rename else self.dataset


def require_consistent(options: LegacyOptions) -> None:
    """Raises BadParameter for options that exclude each other."""
    if options.split_name and options.split is None:
        raise typer.BadParameter("--split-name requires --split: add --split 0.2.")
    steps = (
        options.audio_folder,
        options.merge,
        options.rename,
        options.balance,
        options.randomize,
        options.split,
    )
    if options.compiling.resume and sum(map(bool, steps)) > 1:  # the steps before the interrupted one would be repeated
        raise typer.BadParameter("--resume takes one step: give the interrupted one alone, then the others.")


def carry_out(options: LegacyOptions) -> Iterator[Result]:
    """Carry out all steps. Each result is yielded as soon as its step is finished."""
    place, seed, resume = options.dataset, options.seed, options.compiling.resume
    if options.audio_folder is not None:
        parts = FoldersImporter(classe=options.classe).read(options.audio_folder, say=say)
        yield actions.compile_parts(parts, place, options.compiling, source=options.audio_folder)
    if options.merge is not None:
        yield actions.merge(place, [options.merge], classe=options.classe, into=None)
    if options.classe and options.audio_folder is None and options.merge is None:
        yield _with_class(place, options.classe)
    if options.rename:
        yield actions.rename(place, options.rename)
        place = options.result_folder
    if options.balance:
        yield actions.balance(place, into=None, seed=seed, resume=resume)
    if options.randomize:
        yield actions.randomize(place, into=None, seed=seed, resume=resume)
    if options.split is not None:
        yield actions.split_off(place, options.split, options.split_name, rest="", by="group", seed=seed, resume=resume)
    if options.metadata:
        yield actions.metadata(place)
    if options.file_count:
        count = file_count(open_dataset(place))
        yield Result(f"{place}: {count:,} files", {"dataset": str(place), "files": count})


def _with_class(place: Path, label: str) -> Result:
    """Add an empty class, or make a dataset with that class alone."""
    if (place / MANIFEST).is_file():
        return actions.add_class(place, label)
    operations.begin(place, label)
    return Result(f"{place}: new dataset with the empty class {label}", {"dataset": str(place), "samples": 0})
