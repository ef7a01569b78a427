"""How right a classifier is: pure measures on targets and probabilities, with NumPy alone.

Everywhere, `targets` and `probabilities` have shape (windows, classes), 0…1; a window whose targets are all 0 is
background, and holds none of the classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

DIGITS = 4
"""Decimals that are written down."""


@dataclass(frozen=True)
class Curve:
    """Precision and recall of one class at every threshold that makes a difference, from the highest down."""

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    @property
    def average_precision(self) -> float:
        """The area under the curve as a sum of steps, Σ (Rᵢ - Rᵢ₋₁) Pᵢ; NaN for a class without examples."""
        if not len(self.recall):
            return float("nan")
        return float(np.sum(np.diff(self.recall, prepend=0.0) * self.precision))


@dataclass(frozen=True, kw_only=True)
class ClassMeasures:
    """One class at its threshold. `examples` counts the windows that hold it."""

    examples: int
    threshold: float
    precision: float
    recall: float
    f1: float
    average_precision: float


@dataclass(frozen=True)
class Clips:
    """Clips decided by the likeliest class of the mean over their windows, whatever its threshold.

    `confusion[i, j]` counts the clips of class i that were taken for class j.
    """

    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """The share of clips that were decided right; NaN without clips."""
        return float(np.trace(self.confusion) / self.confusion.sum()) if self.confusion.any() else float("nan")


@dataclass(frozen=True)
class Measures:
    """All that is measured of a classifier on one set of windows."""

    windows: int
    classes: Mapping[str, ClassMeasures]
    clips: Clips
    curves: Mapping[str, Curve]

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1; NaN without windows."""
        return float(np.mean([one.f1 for one in self.classes.values()])) if self.windows else float("nan")

    @property
    def mean_average_precision(self) -> float:
        """The mean of the classes' average precision, of those that have examples."""
        of_classes = [one.average_precision for one in self.classes.values() if one.examples]
        return float(np.mean(of_classes)) if of_classes else float("nan")

    def to_dict(self) -> dict[str, Any]:
        """What a manifest and `--json` hold: plain numbers, None where there is nothing to measure."""
        return {
            "windows": self.windows,
            "macro_f1": _plain(self.macro_f1),
            "mean_average_precision": _plain(self.mean_average_precision),
            "classes": {
                label: {name: _plain(value) for name, value in vars(one).items()} for label, one in self.classes.items()
            },
            "clips": {
                "clips": int(self.clips.confusion.sum()),
                "accuracy": _plain(self.clips.accuracy),
                "confusion": self.clips.confusion.tolist(),
            },
        }


def _plain(value: float) -> float | None:
    if isinstance(value, int):
        return value
    return round(float(value), DIGITS) if np.isfinite(value) else None


def measure(
    targets: NDArray[Any],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    *,
    thresholds: Mapping[str, float],
    clips: NDArray[Any] | None = None,
) -> Measures:
    """Measure a classifier. `clips[i]` is the number of the clip that window i is of; without it, each is one."""
    there = targets >= 0.5
    per_class = {}
    curves = {}
    for k, label in enumerate(classes):
        curves[label] = pr_curve(there[:, k], probabilities[:, k])
        precision, recall, f1 = precision_recall_f1(there[:, k], probabilities[:, k] >= thresholds[label])
        per_class[label] = ClassMeasures(
            examples=int(there[:, k].sum()),
            threshold=float(thresholds[label]),
            precision=precision,
            recall=recall,
            f1=f1,
            average_precision=curves[label].average_precision,
        )
    owners = np.arange(len(targets)) if clips is None else clips
    return Measures(len(targets), per_class, Clips(_clip_confusion(targets, probabilities, owners)), curves)


def precision_recall_f1(there: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Of one class, from two boolean arrays. What is neither there nor found is all right: 1, 1, 1."""
    hits = int(np.sum(there & found))
    precision = hits / int(found.sum()) if found.any() else float(not there.any())
    recall = hits / int(there.sum()) if there.any() else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return precision, recall, f1


def pr_curve(there: NDArray[np.bool_], scores: NDArray[Any]) -> Curve:
    """Precision and recall at each distinct score, taken as the threshold; empty for a class without examples."""
    if not there.any():
        nothing = np.zeros(0)
        return Curve(nothing, nothing, nothing)
    order = np.argsort(-scores, kind="stable")
    hits, sorted_scores = np.cumsum(there[order]), np.asarray(scores[order], np.float64)
    # Equal scores stand or fall together: only the last of each run is a threshold.
    last = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True))
    return Curve(sorted_scores[last], hits[last] / (last + 1), hits[last] / hits[-1])


def confusion(right: NDArray[Any], said: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Shape (n_classes, n_classes): [i, j] counts where `right` is i and `said` is j."""
    counts = np.bincount(n_classes * right + said, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def clip_means(values: NDArray[Any], clips: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of `values`, shape (windows, classes), over the windows of each clip, in the order of their numbers."""
    _, owner, count = np.unique(clips, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, owner, values)
    return sums / count[:, None]


def _clip_confusion(targets: NDArray[Any], probabilities: NDArray[Any], clips: NDArray[Any]) -> NDArray[np.int64]:
    """Of the clips of exactly one class: background has no right answer here, nor have several classes at once."""
    truth, means = clip_means(targets, clips), clip_means(probabilities, clips)
    alone = (truth >= 0.5).sum(axis=1) == 1
    return confusion(truth[alone].argmax(axis=1), means[alone].argmax(axis=1), targets.shape[1])
