"""Examples that were taken for something else, the surest first: to be looked at and listened to."""

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
    """Example number `example` holds class `right`, and was taken for `said` with `probability`."""

    example: int
    right: int
    said: int
    probability: float


def find_mistakes(targets: Float32, probabilities: Float32, *, most: int) -> list[Mistake]:
    """At most `most` examples of exactly one class whose likeliest class is another. Shapes (n, classes)."""
    said, right = probabilities.argmax(axis=1), targets.argmax(axis=1)
    wrong = np.flatnonzero(((targets >= 0.5).sum(axis=1) == 1) & (said != right))
    surest = wrong[np.argsort(-probabilities[wrong, said[wrong]], kind="stable")][:most]
    return [Mistake(int(k), int(right[k]), int(said[k]), float(probabilities[k, said[k]])) for k in surest]


def describe(mistake: Mistake, origin: Origin, classes: Sequence[str]) -> str:
    """In one line: what it is, what it was taken for, and where it is."""
    channel = "" if origin.channel is None else f", channel {origin.channel}"
    return (
        f"{classes[mistake.right]} taken for {classes[mistake.said]} ({mistake.probability:.2f}): "
        f"{origin.file} at {origin.offset_s:.2f} s{channel}"
    )


def hear(origin: Origin, duration_s: float) -> tuple[Float32, int] | None:
    """A stretch of the file that an example comes from: mono samples, shape (frames,), and their rate.

    None if the file is not there any more, as that of a compiled dataset need not be, or cannot be read.
    """
    try:
        samples, rate_hz = read_audio(Path(origin.file), start_s=origin.offset_s, duration_s=duration_s)
    except TidzamError:
        return None
    if origin.channel is None:
        return samples.mean(axis=0), rate_hz
    return (samples[origin.channel], rate_hz) if origin.channel < len(samples) else None


def table(mistakes: Sequence[Mistake], origins: Sequence[Origin], classes: Sequence[str]) -> str:
    """All of them as a numbered Markdown list."""
    return "\n".join(_rows(mistakes, origins, classes)) or "None of the examples is mistaken."


def _rows(mistakes: Sequence[Mistake], origins: Sequence[Origin], classes: Sequence[str]) -> Iterator[str]:
    for number, mistake in enumerate(mistakes, start=1):
        yield f"{number}. {describe(mistake, origins[mistake.example], classes)}"
