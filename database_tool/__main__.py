"""`python -m database_tool`: compiled datasets, by commands or by the options of Tidzam 2019."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from database_tool import commands, import_commands
from database_tool.description import describe, show_info
from database_tool.legacy_options import LegacyOptions, carry_out, require_consistent
from database_tool.messages import PROGRAM
from database_tool.options import CompileOptions, JsonOption, ProcessesOption, ResumeOption, SeedOption, StrictOption
from tidzam.dataset import open_dataset
from tidzam.terminal import command_line, exit_on_error, print_json

app = command_line(invoke_without_command=True)
app.command("create")(import_commands.create)
app.add_typer(import_commands.app, name="import")
app.add_typer(commands.app)


@app.callback()
def options(
    context: typer.Context,
    dataset: Annotated[Path | None, typer.Option("--dataset", help="Dataset to change, or to make.")] = None,
    rename: Annotated[str, typer.Option("--rename", help="Rename the dataset.")] = "",
    classe: Annotated[
        str, typer.Option("--classe", help="Add an empty class; see also --audio-folder and --merge.")
    ] = "",
    audio_folder: Annotated[
        Path | None, typer.Option("--audio-folder", help="Compile a folder of audio (as one class with --classe).")
    ] = None,
    merge: Annotated[
        Path | None, typer.Option("--merge", help="Add another dataset (as one class with --classe).")
    ] = None,
    split: Annotated[
        float | None, typer.Option("--split", min=0.001, max=0.999, help="Share to move to a test dataset, 0 to 1.")
    ] = None,
    split_name: Annotated[str, typer.Option("--split-name", help="Name of the test dataset.  [DATASET-test]")] = "",
    balance: Annotated[bool, typer.Option("--balance", help="Copy samples of small classes.")] = False,
    randomize: Annotated[bool, typer.Option("--randomize", help="Shuffle the samples.")] = False,
    file_count: Annotated[bool, typer.Option("--file-count", help="Print the number of files.")] = False,
    metadata: Annotated[bool, typer.Option("--metadata", help="Record statistics in the manifest.")] = False,
    info: Annotated[bool, typer.Option("--info", help="Show the content.")] = False,
    seed: SeedOption = 0,
    strict: StrictOption = False,
    resume: ResumeOption = False,
    processes: ProcessesOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Make, inspect, merge, split, balance, shuffle and verify compiled datasets.

    Use the commands below, or the options of Tidzam 2019 with --dataset. Options are carried out in this order:
    compile, merge, rename, balance, randomize, split, measure.
    """
    if context.invoked_subcommand is not None:
        if dataset is not None:
            raise typer.BadParameter("--dataset cannot be combined with a command, whose argument is the dataset.")
        return
    if dataset is None:
        raise typer.BadParameter("Give a command, or --dataset and what to do with it.")
    legacy = LegacyOptions(
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
        compiling=CompileOptions(add=True, strict=strict, resume=resume, processes=processes),
    )
    require_consistent(legacy)
    _carry_out(legacy, info=info, as_json=as_json)


def _carry_out(legacy: LegacyOptions, *, info: bool, as_json: bool) -> None:
    done, incomplete = [], False
    for result in carry_out(legacy):
        incomplete |= result.incomplete
        done.append(result.values)
        if not as_json:
            typer.echo(result.text)
    if as_json:
        print_json({**describe(open_dataset(legacy.result_folder)), "done": done})
    elif info or not done:
        show_info(describe(open_dataset(legacy.result_folder)))
    if incomplete:
        raise typer.Exit(commands.INCOMPLETE)


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 an error or damage, 2 wrong usage."""
    with exit_on_error(PROGRAM):
        app()


if __name__ == "__main__":
    main()
