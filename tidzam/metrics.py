"""Metrics of a classifier: precision, recall, F1, average precision, confusion. Pure functions of NumPy arrays.

`targets` and `probabilities` have shape (windows, classes) and values from 0 to 1. A window whose targets are all 0 is
background: none of the classes occurs in it.
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


@dataclass(frozen=True)
class RocCurve:
    """The rates of false and of true positives at every threshold that makes a difference, from the highest down.

    Both curves begin at 0, where the threshold is infinite, and end at 1.
    """

    thresholds: NDArray[np.float64]
    false_positive_rate: NDArray[np.float64]
    true_positive_rate: NDArray[np.float64]

    @property
    def area(self) -> float:
        """The area under the curve: the probability that a positive example has a higher score than a negative one,
        where equal scores count half. NaN if one of the two kinds is missing."""
        if not len(self.thresholds):
            return float("nan")
        heights = (self.true_positive_rate[1:] + self.true_positive_rate[:-1]) / 2
        return float(np.sum(np.diff(self.false_positive_rate) * heights))


@dataclass(frozen=True, kw_only=True)
class ClassMetrics:
    """One class at its threshold. `examples` counts the windows that hold it."""

    examples: int
    threshold: float
    precision: float
    recall: float
    f1: float
    average_precision: float


@dataclass(frozen=True)
class ClipMetrics:
    """Metrics of clips; a clip's prediction is the class with the highest mean probability over its windows.

    `confusion[i, j]` counts the clips of class i that were predicted as class j.
    """

    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """The fraction of clips that were predicted correctly; NaN without clips."""
        return float(np.trace(self.confusion) / self.confusion.sum()) if self.confusion.any() else float("nan")


@dataclass(frozen=True)
class Metrics:
    """All metrics of a classifier on one set of windows."""

    windows: int
    classes: Mapping[str, ClassMetrics]
    clips: ClipMetrics
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


def compute_metrics(
    targets: NDArray[Any],
    probabilities: NDArray[Any],
    classes: Sequence[str],
    *,
    thresholds: Mapping[str, float],
    clips: NDArray[Any] | None = None,
) -> Metrics:
    """The metrics of a classifier. `clips[i]` is the index of window i's clip; by default each window is one."""
    there = targets >= 0.5
    per_class = {}
    curves = {}
    for k, label in enumerate(classes):
        curves[label] = pr_curve(there[:, k], probabilities[:, k])
        precision, recall, f1 = precision_recall_f1(there[:, k], probabilities[:, k] >= thresholds[label])
        per_class[label] = ClassMetrics(
            examples=int(there[:, k].sum()),
            threshold=float(thresholds[label]),
            precision=precision,
            recall=recall,
            f1=f1,
            average_precision=curves[label].average_precision,
        )
    owners = np.arange(len(targets)) if clips is None else clips
    return Metrics(len(targets), per_class, ClipMetrics(_clip_confusion(targets, probabilities, owners)), curves)


def precision_recall_f1(there: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Precision, recall and F1 of one class, from boolean arrays of shape (windows,): `there` is the truth, `found` the
    prediction. All are 1.0 when the class neither occurs nor is predicted.

    >>> precision_recall_f1(np.array([True, True, False]), np.array([True, False, False]))
    (1.0, 0.5, 0.6666666666666666)

    See also `compute_metrics` for all classes at once, and `pr_curve` for all thresholds.
    """
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


def roc_curve(there: NDArray[np.bool_], scores: NDArray[Any]) -> RocCurve:
    """The rates at each distinct score, taken as the threshold; empty without positive or without negative examples.

    >>> roc_curve(np.array([True, False, True]), np.array([0.9, 0.5, 0.4])).area
    0.5
    """
    positives = int(there.sum())
    if positives in (0, len(there)):
        nothing = np.zeros(0)
        return RocCurve(nothing, nothing, nothing)
    order = np.argsort(-scores, kind="stable")
    hits, sorted_scores = np.cumsum(there[order]), np.asarray(scores[order], np.float64)
    last = np.flatnonzero(np.append(np.diff(sorted_scores) != 0, True))  # as in `pr_curve`
    true = np.append(0.0, hits[last] / positives)
    false = np.append(0.0, (last + 1 - hits[last]) / (len(there) - positives))
    return RocCurve(np.append(np.inf, sorted_scores[last]), false, true)


def confusion(truth: NDArray[Any], predicted: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Shape (n_classes, n_classes): [i, j] counts where `truth` is i and `predicted` is j."""
    counts = np.bincount(n_classes * truth + predicted, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).astype(np.int64)


def clip_means(values: NDArray[Any], clips: NDArray[Any]) -> NDArray[np.float64]:
    """The mean of `values`, shape (windows, classes), over the windows of each clip, in the order of their numbers."""
    _, owner, count = np.unique(clips, return_inverse=True, return_counts=True)
    sums = np.zeros((len(count), values.shape[1]))
    np.add.at(sums, owner, values)
    return sums / count[:, None]


def _clip_confusion(targets: NDArray[Any], probabilities: NDArray[Any], clips: NDArray[Any]) -> NDArray[np.int64]:
    """The confusion of clips with exactly one class; background and clips with several classes are left out."""
    truth, means = clip_means(targets, clips), clip_means(probabilities, clips)
    alone = (truth >= 0.5).sum(axis=1) == 1
    return confusion(truth[alone].argmax(axis=1), means[alone].argmax(axis=1), targets.shape[1])
