"""`python -m database_tool.editor`: look at a dataset, hear it, and put its labels right."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from database_tool import operations
from database_tool.editor.audio_source import AudioSourceFile
from database_tool.editor.listen import ask_class, class_of, listen, show_classes
from database_tool.editor.playback import AudioOutput, SamplePlayer, default_output
from database_tool.editor.session import EditorSession
from tidzam.config.settings import JackSettings
from tidzam.errors import SetupError, TidzamError

INTERRUPTED = 130

cli = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.command()
def main_command(
    dataset: Annotated[Path, typer.Option("--dataset", help="The dataset to open, or to begin.")],
    stream: Annotated[
        Path | None, typer.Option("--stream", help="Sound file to cut samples from (WAV, Ogg, MP3, FLAC …).")
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="Play the dataset's content, with no screen.")] = False,
    play_id: Annotated[
        int | None, typer.Option("--play-id", min=0, help="Play the content of the class with this id.")
    ] = None,
    show: Annotated[
        bool,
        typer.Option(
            "--show", "-s", help="List the classes with their ids; with --play, choose one, and see what is played."
        ),
    ] = False,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="Bundle that judges labels.")] = None,
    output: Annotated[
        AudioOutput | None, typer.Option("--output", help="Where sound goes.  [the sound card, if there is one]")
    ] = None,
    jack_server: Annotated[str, typer.Option("--jack-server", help="JACK server's name.")] = JackSettings().server,
) -> None:
    """Edit a compiled dataset: look at samples, hear them, relabel, delete, cut new ones. Press ? for the keys."""
    if not dataset.exists() and sys.stdin.isatty():
        operations.begin(dataset, typer.prompt(f"There is no dataset at {dataset}. First class of a new one", err=True))
    if sys.stderr.isatty():
        typer.echo(f"opening {dataset} …", err=True)
    session = EditorSession.open(dataset)
    player = SamplePlayer(output or default_output(), jack_server)
    if play or play_id is not None:
        raise typer.Exit(_play(session, player, play_id, show=show))
    if show:
        show_classes(session)
        return
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise SetupError("The editor needs a terminal.", hint="Without one: --play, or python -m database_tool.")
    from database_tool.editor.app import Editor

    Editor(session, player, bundle=bundle, stream=AudioSourceFile.open(stream) if stream else None).run()


def _play(session: EditorSession, player: SamplePlayer, number: int | None, *, show: bool) -> int:
    label = None if number is None else class_of(session, number)
    if label is None and show and sys.stdin.isatty():
        label = ask_class(session)
    try:
        missing = listen(session, player, label, show=show)
    except KeyboardInterrupt:
        return INTERRUPTED
    if missing:
        typer.echo(f"database_tool.editor: {missing:,} samples were not heard: their files are gone.", err=True)
    return int(bool(missing))


def main() -> None:
    """Run the command line. Exit codes: 0 done, 1 a failure told in a line, 2 wrong usage."""
    try:
        cli()
    except TidzamError as error:
        typer.echo(f"database_tool.editor: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
