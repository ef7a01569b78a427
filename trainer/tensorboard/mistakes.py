"""Misclassified examples with the highest probabilities, to look at and listen to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tidzam.audio.files import read_audio
from tidzam.dataset import Origin
from tidzam.errors import TidzamError
from tidzam.types import Float32


@dataclass(frozen=True)
class Mistake:
    """Example number `example` has class `right`, but `predicted` was the most probable, with `probability`."""

    example: int
    right: int
    predicted: int
    probability: float


def find_mistakes(targets: Float32, probabilities: Float32, *, most: int) -> list[Mistake]:
    """At most `most` examples of exactly one class whose most probable class is another. Shapes (n, classes)."""
    predicted, right = probabilities.argmax(axis=1), targets.argmax(axis=1)
    wrong = np.flatnonzero(((targets >= 0.5).sum(axis=1) == 1) & (predicted != right))
    surest = wrong[np.argsort(-probabilities[wrong, predicted[wrong]], kind="stable")][:most]
    return [Mistake(int(k), int(right[k]), int(predicted[k]), float(probabilities[k, predicted[k]])) for k in surest]


def describe(mistake: Mistake, origin: Origin, classes: Sequence[str]) -> str:
    """One line: the class, the predicted class, and the position in the file."""
    channel = "" if origin.channel is None else f", channel {origin.channel}"
    return (
        f"{classes[mistake.right]} classified as {classes[mistake.predicted]} ({mistake.probability:.2f}): "
        f"{origin.file} at {origin.offset_s:.2f} s{channel}"
    )


def read_samples(origin: Origin, duration_s: float) -> tuple[Float32, int] | None:
    """The audio of an example: mono samples, shape (frames,), and their sample rate.

    None if the file cannot be read; those of a compiled dataset need not exist any more.
    """
    try:
        samples, rate_hz = read_audio(Path(origin.file), start_s=origin.offset_s, duration_s=duration_s)
    except TidzamError:
        return None
    if origin.channel is None:
        return samples.mean(axis=0), rate_hz
    return (samples[origin.channel], rate_hz) if origin.channel < len(samples) else None


def table(mistakes: Sequence[Mistake], origins: Sequence[Origin], classes: Sequence[str]) -> str:
    """All mistakes as a numbered Markdown list."""
    return "\n".join(_rows(mistakes, origins, classes)) or "No example is misclassified."


def _rows(mistakes: Sequence[Mistake], origins: Sequence[Origin], classes: Sequence[str]) -> Iterator[str]:
    for number, mistake in enumerate(mistakes, start=1):
        yield f"{number}. {describe(mistake, origins[mistake.example], classes)}"
