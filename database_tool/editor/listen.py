"""`--play`: a dataset's content, or a class of it, one sample after the other, with no screen to look at."""

from __future__ import annotations

import asyncio

import typer
from rich.console import Console
from rich.text import Text

from database_tool.editor.formatting import place_of
from database_tool.editor.playback import AudioOutput, SamplePlayer, excerpt_of
from database_tool.editor.session import EditorSession
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.errors import AudioError, DatasetError
from tidzam.spectrogram import spectrogram
from tidzam.types import Float32

console = Console(soft_wrap=True, highlight=False)


def show_classes(session: EditorSession) -> None:
    """The classes, with the ids by which `--play-id` knows them."""
    content = session.content
    for number, (label, count) in enumerate(zip(content.classes, content.counts(), strict=True)):
        console.print(Text(f"{number:4d}  {' > '.join(content.tree.path(label))}  {count:,} samples"))


def class_of(session: EditorSession, number: int) -> str:
    """Raises DatasetError if no class has that id."""
    classes = session.content.classes
    if not 0 <= number < len(classes):
        known = ", ".join(f"{index} {label}" for index, label in enumerate(classes))
        raise DatasetError(f"{session.dataset.name} has no class {number}.", hint=f"It has: {known}.")
    return classes[number]


def ask_class(session: EditorSession) -> str | None:
    """The class that the person names by its id; None for all."""
    show_classes(session)
    number = typer.prompt("Class to play, by its id (-1: all)", type=int, default=-1, err=True)
    return None if number == -1 else class_of(session, number)


def listen(session: EditorSession, player: SamplePlayer, label: str | None, *, show: bool) -> int:
    """Play all samples, or those of a class, and say what is played. Returns how many could not be heard."""
    content = session.content
    samples = range(len(session)) if label is None else content.members(label).tolist()
    if player.output is AudioOutput.none:
        console.print("There is no sound card, or none is wanted: this only shows what would be heard.", style="dim")
    missing = 0
    for sample in samples:
        console.print(Text(f"{sample:,} {content.label_of(sample)}  {place_of(session.origin(sample))}"))
        if show:
            console.print(_drawn(session.features([sample])[0]), no_wrap=True)
        missing += not _heard(player, session.origin(sample), session.dataset.spec)
    return missing


def _heard(player: SamplePlayer, origin: Origin, spec: FeatureSpec) -> bool:
    try:
        asyncio.run(player.play(excerpt_of(origin, spec.window_s)))
    except AudioError as error:
        if error.code == "audio_output":  # no other sample would be heard either
            raise
        console.print(Text(f"  {error}", "yellow"))
        return False
    return True


def _drawn(features: Float32) -> Text:
    return spectrogram(features, columns=min(console.width, 2 * len(features)))
