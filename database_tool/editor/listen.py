"""`--play`: play the samples of a dataset or of a class one after the other, without the editor."""

from __future__ import annotations

import asyncio

import typer
from rich.text import Text

from database_tool.editor.formatting import describe_origin
from database_tool.editor.playback import AudioOutput, SamplePlayer, excerpt_of
from database_tool.editor.session import EditorSession
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.errors import AudioError, DatasetError
from tidzam.spectrogram import spectrogram
from tidzam.terminal import stdout
from tidzam.types import Float32


def show_classes(session: EditorSession) -> None:
    """List the classes with their ids."""
    content = session.content
    for number, (label, count) in enumerate(zip(content.classes, content.counts(), strict=True)):
        stdout.print(Text(f"{number:4d}  {' > '.join(content.tree.path(label))}  {count:,} samples"))


def class_of(session: EditorSession, number: int) -> str:
    """The class with an id. Raises DatasetError if there is none."""
    classes = session.content.classes
    if not 0 <= number < len(classes):
        known = ", ".join(f"{index} {label}" for index, label in enumerate(classes))
        raise DatasetError(f"{session.dataset.name} has no class {number}.", hint=f"Its classes are {known}.")
    return classes[number]


def ask_class(session: EditorSession) -> str | None:
    """Ask for a class by its id; None is all classes."""
    show_classes(session)
    number = typer.prompt("Id of the class to play (-1: all)", type=int, default=-1, err=True)
    return None if number == -1 else class_of(session, number)


def listen(session: EditorSession, player: SamplePlayer, label: str | None, *, show: bool) -> int:
    """Play all samples, or those of a class, and print a line for each. Returns how many files do not exist."""
    content = session.content
    samples = range(len(session)) if label is None else content.members(label).tolist()
    if player.output is AudioOutput.none:
        stdout.print("No sound card, or --output none: samples are listed, but not played.", style="dim")
    missing = 0
    for sample in samples:
        stdout.print(Text(f"{sample:,} {content.label_of(sample)}  {describe_origin(session.origin(sample))}"))
        if show:
            stdout.print(_drawn(session.features([sample])[0]), no_wrap=True)
        missing += not _play(player, session.origin(sample), session.dataset.spec)
    return missing


def _play(player: SamplePlayer, origin: Origin, spec: FeatureSpec) -> bool:
    """Play a sample; False if it cannot be read, which is shown."""
    try:
        asyncio.run(player.play(excerpt_of(origin, spec.window_s)))
    except AudioError as error:
        if error.code == "audio_output":  # no other sample could be played either
            raise
        stdout.print(Text(f"  {error}", "yellow"))
        return False
    return True


def _drawn(features: Float32) -> Text:
    return spectrogram(features, columns=min(stdout.width, 2 * len(features)))
