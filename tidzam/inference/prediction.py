"""What a cascade says of one window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan


@dataclass(frozen=True)
class Prediction:
    """The joint probability of each class whose classifier ran, and the classifiers that were left out.

    Left out are the classifiers whose band the audio lacks, and those whose outputs were not probabilities.
    `remainders` holds, for each class with subclasses whose classifier ran, the joint probability that it is not one
    of them ("a bird, but none of those that are known"), and under `unknown` that it is not a root of the tree.
    `ages_s` holds, for each classifier whose outputs were carried from an earlier window, how much earlier that was.
    `waiting` are the classifiers whose windows are longer than what was heard so far.
    """

    probabilities: dict[str, float]
    left_out: tuple[str, ...]
    remainders: dict[str, float] = field(default_factory=dict)
    ages_s: dict[str, float] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()


@dataclass
class WindowNotes:
    """What is noted about one window while classifiers run."""

    left_out: tuple[str, ...]
    ages_s: dict[str, float] = field(default_factory=dict)
    waiting: tuple[str, ...] = ()


def present(labels: Sequence[str], row: Sequence[float]) -> dict[str, float]:
    """The values of one window that are not NaN, by label."""
    values = dict(zip(labels, row, strict=True))
    if isnan(sum(row)):
        return {label: value for label, value in values.items() if not isnan(value)}
    return values
