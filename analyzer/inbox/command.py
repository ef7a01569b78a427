"""The command line of the inference, for use by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from analyzer.inbox.settings import analyze_inbox, settings_of
from tidzam.terminal import command_line

app = command_line()


@app.command()
def inbox(
    profile: Annotated[Path | None, typer.Option(help="Profile of the node (YAML).")] = None,
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder with `audio-to-parse` in it; without a profile, it also holds the results."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End when all files are analyzed.")] = False,
) -> None:
    """Analyze the files that arrive in `audio-to-parse`, oldest first, each exactly once.

    Those with detections move to `audio-parsed`, others are deleted; detections become rows of a CSV file per day.
    """
    if profile is None and folder is None:
        raise typer.BadParameter("Specify --profile YAML or --folder FOLDER.")
    raise typer.Exit(analyze_inbox(settings_of(profile, folder), once=once))
