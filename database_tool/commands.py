"""The readable commands on datasets that are there: info, merge, split, balance, randomize, rename, verify, export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from database_tool import actions
from database_tool.export import export_clips, export_list
from database_tool.options import ClassOption, DatasetArgument, IntoOption, JsonOption, ResumeOption, SeedOption
from database_tool.terminal import counted, describe, print_json, progress, say, show_info
from database_tool.verify import verify as find_damage
from tidzam.dataset import open_dataset

app = typer.Typer()

DAMAGED = 1
INCOMPLETE = 1


def show(result: actions.Result, *, as_json: bool) -> None:
    """What came of a command."""
    if as_json:
        print_json(result.values)
    else:
        typer.echo(result.text)
    if result.incomplete:
        raise typer.Exit(INCOMPLETE)


@app.command()
def info(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Say what a dataset holds."""
    values = describe(open_dataset(dataset))
    if as_json:
        print_json(values)
    else:
        show_info(values)


@app.command()
def merge(
    dataset: DatasetArgument,
    others: Annotated[list[Path], typer.Argument(help="The datasets to take in.")],
    classe: ClassOption = "",
    into: IntoOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take other datasets of the same features in."""
    show(actions.merge(dataset, others, classe=classe, into=into), as_json=as_json)


@app.command()
def split(
    dataset: DatasetArgument,
    share: Annotated[
        float | None, typer.Option("--share", min=0.001, max=0.999, help="Part to take out, 0 to 1.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Dataset for that part.  [DATASET-test]")] = "",
    rest: Annotated[str, typer.Option("--rest", help="Dataset for what is left, instead of DATASET itself.")] = "",
    folds: Annotated[
        int | None, typer.Option("--folds", min=2, max=100, help="Make K datasets DATASET-fold-1 … K instead.")
    ] = None,
    by: Annotated[str, typer.Option("--by", help="What stays together: group (a recording), day or source.")] = "group",
    seed: SeedOption = 0,
    resume: ResumeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Divide a dataset: what comes from one recording stays on one side, and each side has its share of each class."""
    if by not in actions.UNITS:
        raise typer.BadParameter("--by is group, day or source.")
    if share is not None and folds is None:
        result = actions.split_off(dataset, share, name, rest=rest, by=by, seed=seed, resume=resume)
    elif folds is not None and share is None:
        result = actions.split_folds(dataset, folds, by=by, seed=seed, resume=resume)
    else:
        raise typer.BadParameter("Say --share or --folds, one of the two.")
    show(result, as_json=as_json)


def _drawn(act: Callable[..., actions.Result]) -> Callable[..., None]:
    """The command for actions that a seed draws."""

    def command(
        dataset: DatasetArgument,
        into: IntoOption = None,
        seed: SeedOption = 0,
        resume: ResumeOption = False,
        as_json: JsonOption = False,
    ) -> None:
        show(act(dataset, into=into, seed=seed, resume=resume), as_json=as_json)

    return command


app.command("balance", help="Copy samples of small classes until all have as many as the largest.")(
    _drawn(actions.balance)
)
app.command("randomize", help="Bring the samples into a random order, which the seed alone draws.")(
    _drawn(actions.randomize)
)


@app.command()
def rename(
    dataset: DatasetArgument,
    name: Annotated[str, typer.Argument(help="Its new name, or path.")],
    as_json: JsonOption = False,
) -> None:
    """Give a dataset another name, which is its folder's too."""
    show(actions.rename(dataset, name), as_json=as_json)


@app.command("add-class")
def add_class(
    dataset: DatasetArgument,
    label: Annotated[str, typer.Argument(help="The class.")],
    as_json: JsonOption = False,
) -> None:
    """Add an empty class."""
    show(actions.add_class(dataset, label), as_json=as_json)


@app.command()
def metadata(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Measure the features and note what they are in the manifest."""
    show(actions.metadata(dataset), as_json=as_json)


@app.command()
def verify(dataset: DatasetArgument, as_json: JsonOption = False) -> None:
    """Read every byte and say which files are not what was written. Exit code 1 if there are any."""
    with progress("verifying", "files") as advance:
        damages = find_damage(dataset, advance=advance)
    found = [{"file": str(damage.path), "reason": damage.reason} for damage in damages]
    text = f"{dataset}: {counted(len(found), 'file')} damaged" if found else f"{dataset} is whole"
    show(actions.Result(text, {"dataset": str(dataset), "whole": not found, "damaged": found}), as_json=as_json)
    for damage in damages:
        say(f"{damage.path}: {damage.reason}")
    if found:
        raise typer.Exit(DAMAGED)


@app.command()
def export(
    dataset: DatasetArgument,
    out: Annotated[Path, typer.Argument(help="A CSV file to write; with --clips, a folder.")],
    clips: Annotated[bool, typer.Option("--clips", help="The sound itself, one folder per class.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a list of the stretches that samples come from, or cut their sound out of its files again."""
    opened, missing = open_dataset(dataset), 0
    if clips:
        with progress("exporting", "samples") as advance:
            written, missing = export_clips(opened, out, say=say, advance=advance)
    else:
        written = export_list(opened, out)
    told = f"; {missing:,} are of files that cannot be read" if missing else ""
    values = {"out": str(out), "written": written, "missing": missing}
    show(actions.Result(f"{out}: {written:,} {'clips' if clips else 'rows'}{told}", values), as_json=as_json)
