"""Open-set recognition, evaluated: what is found among sounds of which many belong to no tag. Pure functions.

Arrays are of windows in the order of time within each recording. `truth` holds the number of the tag of each window;
the number of tags stands for `unknown`. A *false alarm* is a run of consecutive windows of one recording in which a tag
is found and that is background, as a detection is for a listener.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.labels import UNKNOWN
from tidzam.metrics import DIGITS, Curve, RocCurve, confusion, pr_curve, precision_recall_f1, roc_curve

MIN_WINDOWS: Final = 3
"""The windows that a tag needs in the training data."""
MOST_COSTS: Final = 200
"""Thresholds of a tag whose costs are stated."""


@dataclass(frozen=True)
class BackgroundScores:
    """Windows without any known sound. `probabilities` has shape (n, tags), `recordings` (n,), the number of each
    window's recording. A window adds `hop_s` seconds to the time that they cover."""

    probabilities: NDArray[Any]
    recordings: NDArray[Any]
    hop_s: float

    @property
    def hours(self) -> float:
        return len(self.recordings) * self.hop_s / 3600


@dataclass(frozen=True, kw_only=True)
class ThresholdCost:
    """What a threshold of a tag costs: false alarms per day of background (None without background), the share of
    calls that are missed, and the precision and F1 among all windows."""

    threshold: float
    false_alarms_per_day: float | None
    missed: float
    precision: float
    f1: float


@dataclass(frozen=True)
class OpenSetEvaluation:
    """A recognizer on test windows. `tags` are those it was trained for.

    `confusion[i, j]` counts the windows of tag i that were taken for tag j; the last row and column are `unknown`.
    `cells` holds the windows of each cell that is not empty. `known` is the curve of the highest probability, which
    separates known from unknown sounds. Without background windows, `false_alarms_per_hour` is None.
    """

    tags: tuple[str, ...]
    confusion: NDArray[np.int64]
    cells: Mapping[tuple[int, int], tuple[int, ...]]
    precision_recall: Mapping[str, Curve]
    roc: Mapping[str, RocCurve]
    known: RocCurve
    f1: Mapping[str, float]
    background_hours: float
    false_alarms_per_hour: float | None

    @property
    def macro_f1(self) -> float:
        """The mean F1 of the tags that occur."""
        occurring = [self.f1[tag] for tag, row in zip(self.tags, self.confusion, strict=False) if row.any()]
        return float(np.mean(occurring)) if occurring else float("nan")

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the rows and columns of the confusion matrix."""
        return (*self.tags, UNKNOWN)

    def to_dict(self) -> dict[str, Any]:
        """What a manifest and `--json` hold: plain numbers, None where there is nothing to measure."""
        return {
            "windows": int(self.confusion.sum()),
            "labels": list(self.labels),
            "confusion": self.confusion.tolist(),
            "macro_f1": _plain(self.macro_f1),
            "known_auroc": _plain(self.known.area),
            "background_hours": _plain(self.background_hours),
            "false_alarms_per_hour": None if self.false_alarms_per_hour is None else _plain(self.false_alarms_per_hour),
            "classes": {
                tag: {
                    "examples": int(row.sum()),
                    "f1": _plain(self.f1[tag]),
                    "average_precision": _plain(self.precision_recall[tag].average_precision),
                    "auroc": _plain(self.roc[tag].area),
                }
                for tag, row in zip(self.tags, self.confusion, strict=False)
            },
        }


def recognized(probabilities: NDArray[Any], thresholds: Sequence[float]) -> NDArray[np.int64]:
    """The number of the most probable tag that reaches its threshold, shape (n,); the number of tags for `unknown`.

    `probabilities` has shape (n, tags).
    """
    above = np.where(probabilities >= np.asarray(thresholds), probabilities, -1.0)
    best = above.argmax(axis=1)
    found: NDArray[np.int64] = np.where(above.max(axis=1) < 0, probabilities.shape[1], best)
    return found


def evaluate_open_set(
    probabilities: NDArray[Any],
    truth: NDArray[Any],
    tags: Sequence[str],
    *,
    thresholds: Mapping[str, float],
    background: BackgroundScores | None = None,
) -> OpenSetEvaluation:
    """Evaluate the probabilities (n, tags) of annotated windows, and of background windows, which are `unknown`."""
    if background is not None:
        probabilities = np.concatenate([probabilities, background.probabilities])
        truth = np.append(truth, np.full(len(background.recordings), len(tags)))
    found = recognized(probabilities, [thresholds[tag] for tag in tags])
    matrix = confusion(truth, found, len(tags) + 1)
    there = {tag: truth == number for number, tag in enumerate(tags)}
    return OpenSetEvaluation(
        tags=tuple(tags),
        confusion=matrix,
        cells={
            (int(i), int(j)): tuple(np.flatnonzero((truth == i) & (found == j)).tolist())
            for i, j in np.argwhere(matrix > 0)
        },
        precision_recall={tag: pr_curve(there[tag], probabilities[:, k]) for k, tag in enumerate(tags)},
        roc={tag: roc_curve(there[tag], probabilities[:, k]) for k, tag in enumerate(tags)},
        known=roc_curve(truth < len(tags), probabilities.max(axis=1)),
        f1={tag: precision_recall_f1(there[tag], found == k)[2] for k, tag in enumerate(tags)},
        background_hours=background.hours if background else 0.0,
        false_alarms_per_hour=_alarms_per_hour(background, [thresholds[tag] for tag in tags]),
    )


def false_alarms(scores: NDArray[Any], recordings: NDArray[Any], thresholds: NDArray[Any]) -> NDArray[np.int64]:
    """The number of runs of windows whose score (n,) reaches each threshold (m,); a run is within one recording.

    A run begins at window i for the thresholds above the score of window i - 1, up to that of window i.

    >>> false_alarms(np.array([0.9, 0.8, 0.1, 0.9]), np.zeros(4), np.array([0.85, 0.5]))
    array([2, 2])
    """
    before = np.full(len(scores), -np.inf)
    before[1:] = np.where(recordings[1:] == recordings[:-1], scores[:-1], -np.inf)
    starts, ends = np.sort(scores), np.sort(np.minimum(scores, before))
    reached = len(scores) - np.searchsorted(starts, thresholds, side="left")
    continued = len(scores) - np.searchsorted(ends, thresholds, side="left")
    return (reached - continued).astype(np.int64)


def threshold_costs(
    there: NDArray[np.bool_],
    scores: NDArray[Any],
    *,
    background: NDArray[Any] | None = None,
    recordings: NDArray[Any] | None = None,
    hop_s: float = 1.0,
) -> tuple[ThresholdCost, ...]:
    """What each threshold of one tag costs, from the highest down to the one that misses nothing: at most `MOST_COSTS`.

    `scores` (n,) are the probabilities of annotated windows, of which `there` are calls of the tag; `background` (m,)
    those of background windows of `recordings` (m,), each `hop_s` seconds. Empty without a call.
    """
    unknown = np.zeros(0) if background is None else background
    curve = pr_curve(np.append(there, np.zeros(len(unknown), bool)), np.append(scores, unknown))
    if not len(curve.recall):
        return ()
    last = int(np.argmax(curve.recall >= 1.0))
    chosen = np.unique(np.linspace(0, last, min(MOST_COSTS, last + 1)).round().astype(int))
    per_day: list[float] | list[None] = [None] * len(chosen)
    if background is not None and recordings is not None and len(background):
        days = len(background) * hop_s / 86400
        per_day = (false_alarms(background, recordings, curve.thresholds[chosen]) / days).tolist()
    total = curve.precision + curve.recall
    f1 = np.divide(2 * curve.precision * curve.recall, total, out=np.zeros_like(total), where=total > 0)
    return tuple(
        ThresholdCost(
            threshold=float(curve.thresholds[k]),
            false_alarms_per_day=alarms,
            missed=float(1 - curve.recall[k]),
            precision=float(curve.precision[k]),
            f1=float(f1[k]),
        )
        for k, alarms in zip(chosen.tolist(), per_day, strict=True)
    )


def choose_threshold(costs: Sequence[ThresholdCost], *, most_per_day: float | None = None) -> float:
    """The threshold with the best F1 among those with at most so many false alarms per day; 1.0 if there are none.

    It lies half way to the next lower score, so that a window that is nearly as clear is recognized too.
    """
    allowed = [
        k
        for k, cost in enumerate(costs)
        if most_per_day is None or cost.false_alarms_per_day is None or cost.false_alarms_per_day <= most_per_day
    ]
    if not allowed:
        return 1.0
    best = max(allowed, key=lambda k: costs[k].f1)
    lower = costs[best + 1].threshold if best + 1 in allowed else costs[best].threshold
    return (costs[best].threshold + lower) / 2


def costs_to_dicts(costs: Sequence[ThresholdCost]) -> list[dict[str, float | None]]:
    """The costs as JSON holds them."""
    return [{name: None if value is None else _plain(value) for name, value in asdict(cost).items()} for cost in costs]


def _alarms_per_hour(background: BackgroundScores | None, thresholds: Sequence[float]) -> float | None:
    if background is None or not background.hours:
        return None
    alarms = [
        int(false_alarms(background.probabilities[:, k], background.recordings, np.array([threshold]))[0])
        for k, threshold in enumerate(thresholds)
    ]
    return sum(alarms) / background.hours


def _plain(value: float) -> float | None:
    return round(float(value), DIGITS) if np.isfinite(value) else None
