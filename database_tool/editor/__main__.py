"""`python -m database_tool.editor`: browse, play and correct a dataset."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from database_tool import operations
from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.listen import ask_class, class_of, listen, show_classes
from database_tool.editor.playback import AudioOutput, SamplePlayer, default_output
from database_tool.editor.session import EditorSession
from tidzam import terminal
from tidzam.config.settings import JackSettings
from tidzam.errors import SetupError
from tidzam.terminal import INTERRUPTED, command_line, exit_on_error
from tidzam.text import plural

PROGRAM = "database_tool.editor"

cli = command_line()
say = partial(terminal.say, program=PROGRAM)


@cli.command()
def main_command(
    dataset: Annotated[Path, typer.Option("--dataset", help="Dataset to open, or to make.")],
    stream: Annotated[
        Path | None, typer.Option("--stream", help="Audio file to cut samples from (WAV, Ogg, MP3, FLAC …).")
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="Play the dataset without opening the editor.")] = False,
    play_id: Annotated[
        int | None, typer.Option("--play-id", min=0, help="Play the class with this id without opening the editor.")
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show", "-s", help="List the classes and their ids; with --play, choose one and draw its samples."
        ),
    ] = False,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle to check labels with.")] = None,
    output: Annotated[
        AudioOutput | None,
        typer.Option("--output", help="Where audio is played; by default on the sound card, if there is one."),
    ] = None,
    jack_server: Annotated[str, typer.Option("--jack-server", help="Name of the JACK server.")] = JackSettings().server,
) -> None:
    """Edit a compiled dataset: browse, play, relabel, delete and cut samples. Press ? for the keys."""
    if not dataset.exists() and sys.stdin.isatty():
        question = f"Dataset {dataset} does not exist. First class of a new one"
        operations.begin(dataset, typer.prompt(question, err=True))
    if sys.stderr.isatty():
        say(f"opening {dataset} …")
    session = EditorSession.open(dataset)
    player = SamplePlayer(output or default_output(), jack_server)
    if play or play_id is not None:
        raise typer.Exit(_play(session, player, play_id, show=show))
    if show:
        show_classes(session)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SetupError("The editor needs a terminal.", hint="Use --play, or python -m database_tool.")
    from database_tool.editor.app import Editor

    Editor(session, player, bundle=bundle, source=AudioSourceFile.open(stream) if stream else None).run()


def _play(session: EditorSession, player: SamplePlayer, number: int | None, *, show: bool) -> int:
    label = None if number is None else class_of(session, number)
    if label is None and show and sys.stdin.isatty():
        label = ask_class(session)
    try:
        missing = listen(session, player, label, show=show)
    except KeyboardInterrupt:
        return INTERRUPTED
    if missing:
        say(f"{plural(missing, 'sample')} not played: their files do not exist")
    return int(bool(missing))


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 an error, 2 wrong usage, 130 interrupted."""
    with exit_on_error(PROGRAM):
        cli()


if __name__ == "__main__":
    main()
