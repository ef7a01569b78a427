"""`python -m database_tool`: compiled datasets, by readable commands or by the options of the original."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from database_tool import commands, import_commands
from database_tool.import_commands import Compiling
from database_tool.legacy_options import LegacyOptions, carry_out, place_of, require_sense
from database_tool.options import JsonOption, ProcessesOption, ResumeOption, SeedOption, StrictOption
from database_tool.terminal import describe, print_json, say, show_info
from tidzam.dataset import open_dataset
from tidzam.errors import TidzamError

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
app.command("create")(import_commands.create)
app.add_typer(import_commands.app, name="import")
app.add_typer(commands.app)


@app.callback()
def options(
    context: typer.Context,
    dataset: Annotated[Path | None, typer.Option("--dataset", help="The dataset to work on, or to make.")] = None,
    rename: Annotated[str, typer.Option("--rename", help="Rename the dataset.")] = "",
    classe: Annotated[str, typer.Option("--classe", help="Add an empty class; see also the two below.")] = "",
    audio_folder: Annotated[
        Path | None, typer.Option("--audio-folder", help="Load a folder of sound (as one class with --classe).")
    ] = None,
    merge: Annotated[
        Path | None, typer.Option("--merge", help="Take another dataset in (as one class with --classe).")
    ] = None,
    split: Annotated[
        float | None, typer.Option("--split", min=0.001, max=0.999, help="Part to take out for testing, 0 to 1.")
    ] = None,
    split_name: Annotated[str, typer.Option("--split-name", help="Name of that part.  [DATASET-test]")] = "",
    balance: Annotated[bool, typer.Option("--balance", help="Copy samples of small classes.")] = False,
    randomize: Annotated[bool, typer.Option("--randomize", help="Put samples in a random order.")] = False,
    file_count: Annotated[bool, typer.Option("--file-count", help="Say how many files it is made of.")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="Measure it, and note that in the manifest.")] = False,
    info: Annotated[bool, typer.Option("--info", help="Say what it holds.")] = False,
    seed: SeedOption = 0,
    strict: StrictOption = False,
    resume: ResumeOption = False,
    processes: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Compiled datasets: make, look at, merge, split, balance, randomize and verify them.

    By the commands below, or by these options on --dataset: sound is loaded first, then it is merged, renamed,
    balanced, randomized, split, measured.
    """
    if context.invoked_subcommand is not None:
        if dataset is not None:
            raise typer.BadParameter("--dataset goes without a command; commands take the dataset as an argument.")
        return
    if dataset is None:
        raise typer.BadParameter("Name a command, or --dataset and what to do with it.")
    asked = LegacyOptions(
        dataset=dataset,
        audio_folder=audio_folder,
        merge=merge,
        classe=classe,
        rename=rename,
        balance=balance,
        randomize=randomize,
        split=split,
        split_name=split_name,
        metadata=metadata,
        file_count=file_count,
        seed=seed,
        how=Compiling(add=True, strict=strict, resume=resume, processes=processes),
    )
    require_sense(asked)
    _carry_out(asked, info=info, as_json=as_json)


def _carry_out(asked: LegacyOptions, *, info: bool, as_json: bool) -> None:
    done, incomplete = [], False
    for result in carry_out(asked):
        incomplete |= result.incomplete
        done.append(result.values)
        if not as_json:
            typer.echo(result.text)
    if as_json:
        print_json({**describe(open_dataset(place_of(asked))), "done": done})
    elif info or not done:
        show_info(describe(open_dataset(place_of(asked))))
    if incomplete:
        raise typer.Exit(commands.INCOMPLETE)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a failure told in a line (or damage found), 2 wrong usage."""
    try:
        app()
    except TidzamError as error:
        say(str(error))
        sys.exit(1)


if __name__ == "__main__":
    main()
