"""The commands for existing datasets: info, merge, split, balance, randomize, rename, verify, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from database_tool import actions
from database_tool.clip_folders import cut_clips
from database_tool.description import describe, show_info
from database_tool.export import export_clips, export_list
from database_tool.importers.csv import read_csv
from database_tool.messages import say
from database_tool.options import ClassOption, DatasetArgument, IntoOption, JsonOption, ResumeOption, SeedOption
from database_tool.verify import verify as find_damage
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError
from tidzam.jobs.reports import ReportWriter
from tidzam.terminal import command_line, print_json, progress_bar
from tidzam.text import plural

app = command_line()

DAMAGED = 1
INCOMPLETE = 1


def show(result: actions.Result, *, as_json: bool) -> None:
    """Print the result of a command."""
    if as_json:
        print_json(result.values)
    else:
        typer.echo(result.text)
    if result.incomplete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def info(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Show classes, counts, features and provenance of a dataset."""
    values = describe(open_dataset(dataset))
    if as_json:
        print_json(values)
    else:
        show_info(values)


@app.command()
def merge(
    dataset: DatasetArgument,
    others: Annotated[list[Path], typer.Argument(help="Datasets to add, with the same features.")],
    classe: ClassOption = "",
    into: IntoOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add the samples of other datasets."""
    show(actions.merge(dataset, others, classe=classe, into=into), as_json=as_json)


@app.command()
def split(
    dataset: DatasetArgument,
    share: Annotated[
        float | None, typer.Option("--share", min=0.001, max=0.999, help="Share of the samples to move, 0 to 1.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Dataset to move it to.  [DATASET-test]")] = "",
    rest: Annotated[str, typer.Option("--rest", help="Write the rest to this dataset, keep DATASET as it is.")] = "",
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, max=100, help="Make K datasets DATASET-fold-1 … K instead.")
    ] = None,
    by: Annotated[
        str, typer.Option("--by", help="What is kept together: group (a recording), day or source.")
    ] = "group",
    seed: SeedOption = 0,
    resume: ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Divide a dataset by recordings, with the same share of every class in each part."""
    if by not in actions.UNITS:
        raise typer.BadParameter(f"--by is {by!r}, expected {', '.join(actions.UNITS)}.")
    if share is not None and folds is None:
        result = actions.split_off(dataset, share, name, rest=rest, by=by, seed=seed, resume=resume)
    elif folds is not None and share is None:
        result = actions.split_folds(dataset, folds, by=by, seed=seed, resume=resume)
    else:
        raise typer.BadParameter("Give exactly one of --share and --folds.")
    show(result, as_json=as_json)


def _seeded(action: Callable[..., actions.Result]) -> Callable[..., None]:
    """The command for an action with a random seed."""

    def command(
        dataset: DatasetArgument,
        into: IntoOption = None,
        seed: SeedOption = 0,
        resume: ResumeOption = False,
        as_json: JsonOption = False,
    ) -> None:
        show(action(dataset, into=into, seed=seed, resume=resume), as_json=as_json)

    return command


app.command("balance", help="Copy samples of small classes until all classes have as many as the largest.")(
    _seeded(actions.balance)
)
app.command("randomize", help="Shuffle the samples; the order depends on the seed alone.")(_seeded(actions.randomize))


@app.command()
def rename(
    dataset: DatasetArgument,
    name: Annotated[str, typer.Argument(help="New name, or path.")],
    as_json: JsonOption = False,
) -> None:
    """Rename a dataset and its folder."""
    show(actions.rename(dataset, name), as_json=as_json)


@app.command("add-class")
def add_class(
    dataset: DatasetArgument,
    label: Annotated[str, typer.Argument(help="Name of the class.")],
    as_json: JsonOption = False,
) -> None:
    """Add an empty class."""
    show(actions.add_class(dataset, label), as_json=as_json)


@app.command()
def metadata(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Measure the features and record the statistics in the manifest."""
    show(actions.metadata(dataset), as_json=as_json)


@app.command()
def verify(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Verify every checksum and list damaged files. Exits with status 1 if there are any."""
    with progress_bar("verifying", unit="files") as advance:
        damages = find_damage(dataset, advance=advance)
    found = [{"file": str(damage.path), "reason": damage.reason} for damage in damages]
    text = f"{dataset}: {plural(len(found), 'file')} damaged" if found else f"{dataset} is intact"
    show(actions.Result(text, {"dataset": str(dataset), "whole": not found, "damaged": found}), as_json=as_json)
    for damage in damages:
        say(f"{damage.path}: {damage.reason}")
    if found:
        raise typer.Exit(DAMAGED)


@app.command()
def export(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Argument(help="CSV file to write; with --clips, a folder.")],
    clips: Annotated[bool, typer.Option("--clips", help="Write audio files, in one folder per class.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a CSV list of the samples, or, with --clips, their audio, cut from the original files."""
    opened, missing = open_dataset(dataset), 0
    if clips:
        with progress_bar("exporting", unit="samples") as advance:
            written, missing = export_clips(opened, out, say=say, advance=advance)
    else:
        written = export_list(opened, out)
    left_out = f"; {missing:,} left out, because their files cannot be read" if missing else ""
    values = {"out": str(out), "written": written, "missing": missing}
    show(actions.Result(f"{out}: {written:,} {'clips' if clips else 'rows'}{left_out}", values), as_json=as_json)


@app.command()
def cut(
    clip_list: Annotated[Path, typer.Argument(metavar="LIST", help="CSV list of clips, as `import csv` reads it.")],
    folder: Annotated[Path, typer.Argument(help="Folder to write, with a folder per class.")],
    least_s: Annotated[
        float, typer.Option("--least-s", min=0, help="Shorter clips are extended to so many seconds, as files allow.")
    ] = 0.0,
    progress_json: Annotated[
        bool, typer.Option("--progress-json", help="Print progress and the result as JSON lines, for programs.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Cut the clips of a list out of their files, into a folder that the trainer reads like any other."""
    if progress_json:
        _cut_reporting(clip_list, folder, least_s)
        return
    clips = read_csv(clip_list)
    with progress_bar("cutting", unit="clips") as advance:
        found = cut_clips(clips, folder, least_s=least_s, say=say, progress=advance)
    values = {"folder": str(folder), "classes": dict(found.classes), "unreadable": found.unreadable}
    left_out = f"; {found.unreadable:,} left out, because their files cannot be read" if found.unreadable else ""
    clips_text = plural(sum(found.classes.values()), "clip")
    text = f"{folder}: {clips_text} in {plural(len(found.classes), 'folder')}{left_out}"
    show(actions.Result(text, values), as_json=as_json)


def _cut_reporting(clip_list: Path, folder: Path, least_s: float) -> None:
    """The same as a job of the console."""
    reports = ReportWriter()

    def progress(done: int, total: int) -> None:
        reports.progress(done / total, f"clip {done:,} of {total:,}")

    try:
        found = cut_clips(read_csv(clip_list), folder, least_s=least_s, say=say, progress=progress)
    except DatasetError as error:
        reports.failure(error)
        raise
    reports.result({"dataset": folder.name, "classes": dict(found.classes), "unreadable": found.unreadable})
