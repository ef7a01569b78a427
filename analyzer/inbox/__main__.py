"""`python -m analyzer.inbox`: analyzes the files that arrive in a folder, each exactly once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tidzam.config.load import load_settings
from tidzam.config.settings import Settings
from tidzam.log import set_up_logging
from tidzam.terminal import command_line, exit_on_error

app = command_line()


@app.command()
def analyze_inbox(
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
    settings = _settings(profile, folder)
    set_up_logging(settings.log.level, json_lines=settings.log.json_lines)
    from analyzer.inbox.app import InboxOptions, run_inbox  # takes a second: mistakes are reported before

    raise typer.Exit(run_inbox(InboxOptions(settings=settings, once=once)))


def _settings(profile: Path | None, folder: Path | None) -> Settings:
    """The settings of the profile, or those of a node whose home is the folder."""
    if profile is not None:
        settings = load_settings(profile)
        if folder is None:
            return settings
        return settings.model_copy(update={"edge": settings.edge.model_copy(update={"folder": folder.resolve()})})
    assert folder is not None
    home = folder.resolve()
    settings = Settings(home=home)
    edge = settings.edge.model_copy(update={"folder": home, "csv": home / "detections.csv"})
    return settings.model_copy(update={"edge": edge})


def main() -> None:
    """Run the command line. Exit codes: 0 success, 1 failure (with one line on stderr), 2 wrong usage."""
    with exit_on_error("inference"):
        app()


if __name__ == "__main__":
    main()
