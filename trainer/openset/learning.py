"""From the embeddings of windows to a recognizer with thresholds, and its evaluation. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import DatasetError
from tidzam.open_set import (
    MIN_WINDOWS,
    BackgroundScores,
    OpenSetEvaluation,
    ThresholdCost,
    choose_threshold,
    evaluate_open_set,
    threshold_costs,
)
from tidzam.text import plural
from tidzam.types import Float32
from trainer.openset.annotations import Use
from trainer.openset.labeled_windows import LabeledWindow, groups_for, recordings_for, tags_in, targets_for
from trainer.openset.recognizer import Recognizer, fit_recognizer


@dataclass(frozen=True)
class EmbeddedWindows:
    """Windows and their embeddings, float32 (n, values)."""

    windows: tuple[LabeledWindow, ...]
    values: Float32

    def of(self, *uses: Use) -> EmbeddedWindows:
        """Those of some uses."""
        rows = [row for row, one in enumerate(self.windows) if one.use in uses]
        return EmbeddedWindows(tuple(self.windows[row] for row in rows), self.values[rows])


@dataclass(frozen=True)
class TrainedTags:
    """A recognizer of `tags`, the threshold of each, and what its thresholds cost on the training windows.

    All costs are those of windows whose recordings were held out.
    """

    tags: tuple[str, ...]
    recognizer: Recognizer
    thresholds: dict[str, float]
    costs: dict[str, tuple[ThresholdCost, ...]]


def choose_tags(windows: Sequence[LabeledWindow], wanted: Sequence[str]) -> tuple[str, ...]:
    """The tags that are trained: those that are wanted, or all that occur often enough.

    Raises DatasetError (`dataset_small`) if a wanted tag occurs too rarely, or there is no tag.
    """
    counts = tags_in(windows, "train")
    tags = tuple(dict.fromkeys(wanted)) or tuple(tag for tag, count in counts.items() if count >= MIN_WINDOWS)
    rare = [tag for tag in tags if counts.get(tag, 0) < MIN_WINDOWS]
    if rare or not tags:
        known = ", ".join(f"{tag} {count}" for tag, count in counts.items()) or "none"
        what = f"The tag {rare[0]!r} has {plural(counts.get(rare[0], 0), 'window')}" if rare else "No tag has enough"
        raise DatasetError(
            f"{what} in the training data; {MIN_WINDOWS} are needed. Windows by tag: {known}.",
            hint="Annotate more of it, or assign more days to training.",
            code="dataset_small",
        )
    return tags


def learn(
    data: EmbeddedWindows,
    tags: Sequence[str],
    *,
    window_s: float,
    most_false_alarms_per_day: float | None = None,
    synthetic: Float32 | None = None,
) -> TrainedTags:
    """Train a recognizer of `tags` on the windows for training and their background.

    `synthetic` (m, values) are embeddings of further unknown sounds, by which no threshold is chosen. Raises
    DatasetError (`dataset_background`) if every window holds the tag: there must be something to reject.
    """
    used = data.of("train", "train-background")
    targets = targets_for(used.windows, tags)
    always = [tag for tag, column in zip(tags, targets.T, strict=True) if column.all()]
    if always:
        raise DatasetError(
            f"Every training window holds the tag {always[0]!r}: a recognizer also needs windows without it.",
            hint="Assign days or files to background, or annotate other sounds.",
            code="dataset_background",
        )
    recognizer = fit_recognizer(used.values, targets, groups_for(used.windows), synthetic)
    is_background = np.array([one.is_background for one in used.windows])
    background = [one for one in used.windows if one.is_background]
    costs = {
        tag: threshold_costs(
            targets[~is_background, k] > 0,
            recognizer.held_out[~is_background, k],
            background=recognizer.held_out[is_background, k],
            recordings=recordings_for(background, window_s),
            hop_s=window_s,
        )
        for k, tag in enumerate(tags)
    }
    thresholds = {
        tag: choose_threshold(of_tag, most_per_day=most_false_alarms_per_day) for tag, of_tag in costs.items()
    }
    return TrainedTags(tuple(tags), recognizer, thresholds, costs)


def evaluate_tags(data: EmbeddedWindows, trained: TrainedTags, *, window_s: float) -> OpenSetEvaluation | None:
    """Evaluate on the windows for tests and their background; None if there are none.

    The windows of the evaluation are those of `tested`.
    """
    calls, background = data.of("test"), data.of("test-background")
    if not calls.windows and not background.windows:
        return None
    probabilities = trained.recognizer.layer.probabilities
    return evaluate_open_set(
        probabilities(calls.values) if calls.windows else np.zeros((0, len(trained.tags))),
        truth_of(calls.windows, trained.tags),
        trained.tags,
        thresholds=trained.thresholds,
        background=BackgroundScores(
            probabilities(background.values), recordings_for(background.windows, window_s), window_s
        )
        if background.windows
        else None,
    )


def tested(data: EmbeddedWindows) -> EmbeddedWindows:
    """The windows that `evaluate_tags` numbers, in its order."""
    calls, background = data.of("test"), data.of("test-background")
    return EmbeddedWindows(calls.windows + background.windows, np.concatenate([calls.values, background.values]))


def truth_of(windows: Sequence[LabeledWindow], tags: Sequence[str]) -> NDArray[Any]:
    """The number of the tag that each window was made for, shape (n,); the number of tags for all others."""
    numbers = {tag: number for number, tag in enumerate(tags)}
    return np.array([numbers.get(one.tag, len(tags)) for one in windows], dtype=np.int64)
