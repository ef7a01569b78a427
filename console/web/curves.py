"""Curves of evaluations as geometry for SVG, in a box of 100 by 100, and the colors of a confusion matrix. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from console.web.charts import LEVELS
from tidzam.open_set import ThresholdCost

SERIES: Final = 6
"""Colors of lines; further ones are dashed."""

Point = tuple[float, float, float]
"""A threshold, with precision and recall, or with the rates of false and of true positives."""


@dataclass(frozen=True)
class CurveLine:
    """A line of a chart. `mark` is its place at the threshold that applies, None if there is none."""

    label: str
    area: float | None
    path: str
    color: int
    is_dashed: bool
    mark: tuple[float, float] | None


@dataclass(frozen=True)
class CostChart:
    """What thresholds of one tag cost: the share of calls missed, and false alarms per day.

    Both are lines over the threshold, 0 to 1. `most_per_day` is at the upper end of the chart; None without background.
    """

    missed: str
    alarms: str
    most_per_day: float | None


@dataclass(frozen=True)
class MatrixCell:
    """A cell of a confusion matrix. `level` is its color, by its share of the row, 0 to `LEVELS`."""

    true: str
    recognized: str
    count: int
    share: float
    level: int
    is_right: bool


def precision_recall_lines(
    curves: Mapping[str, Sequence[Point]], areas: Mapping[str, float | None], thresholds: Mapping[str, float]
) -> list[CurveLine]:
    """Precision (up) by recall (right)."""
    return [
        _line(label, number, areas.get(label), [(t, recall, precision) for t, precision, recall in curve], thresholds)
        for number, (label, curve) in enumerate(curves.items())
    ]


def roc_lines(
    curves: Mapping[str, Sequence[Point]], areas: Mapping[str, float | None], thresholds: Mapping[str, float]
) -> list[CurveLine]:
    """The rate of true positives (up) by that of false positives (right)."""
    return [
        _line(label, number, areas.get(label), [(1.0, 0.0, 0.0), *curve], thresholds)
        for number, (label, curve) in enumerate(curves.items())
    ]


def cost_chart(costs: Sequence[ThresholdCost]) -> CostChart:
    """Steps: a threshold costs what the lowest stated one that is not below it costs, and one above all misses all."""
    known = [cost.false_alarms_per_day for cost in costs if cost.false_alarms_per_day is not None]
    most = max(known) if known else None
    missed = [(cost.threshold, cost.missed) for cost in costs]
    alarms = [(cost.threshold, alarm_height(cost.false_alarms_per_day or 0.0, most)) for cost in costs if most]
    return CostChart(_steps(missed, above=1.0), _steps(alarms, above=0.0), most)


def alarm_height(per_day: float, most: float | None) -> float:
    """The height of a number of false alarms, 0 to 1: its square root, so that small numbers differ visibly.

    >>> alarm_height(25.0, 100.0)
    0.5
    """
    return math.sqrt(per_day / most) if most else 0.0


def matrix_rows(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> list[list[MatrixCell]]:
    """The cells of a confusion matrix by row."""
    return [
        [
            MatrixCell(
                true=labels[i],
                recognized=labels[j],
                count=count,
                share=count / sum(row) if count else 0.0,
                level=math.ceil(LEVELS * count / sum(row)) if count else 0,
                is_right=i == j,
            )
            for j, count in enumerate(row)
        ]
        for i, row in enumerate(confusion)
    ]


def _line(
    label: str,
    number: int,
    area: float | None,
    points: Sequence[tuple[float, float, float]],
    thresholds: Mapping[str, float],
) -> CurveLine:
    """A line through (threshold, x, y)."""
    path = " ".join(f"{100 * x:.2f} {100 - 100 * y:.2f}" for _, x, y in points)
    threshold = thresholds.get(label)
    reached = [] if threshold is None else [(x, y) for at, x, y in points if at >= threshold]
    mark = (100 * reached[-1][0], 100 - 100 * reached[-1][1]) if reached else None
    return CurveLine(
        label=label,
        area=area,
        path=f"M{path}" if path else "",
        color=number % SERIES + 1,
        is_dashed=number >= SERIES,
        mark=mark,
    )


def _steps(values: Sequence[tuple[float, float]], *, above: float) -> str:
    """Steps (threshold, height), from the highest threshold down, each from there to the next lower one. `above` is the
    height to the right of all."""
    if not values:
        return ""
    parts, height = [f"M100 {100 - 100 * above:.2f}"], above
    for threshold, lower in values:
        parts.append(f"L{100 * threshold:.2f} {100 - 100 * height:.2f}L{100 * threshold:.2f} {100 - 100 * lower:.2f}")
        height = lower
    return "".join([*parts, f"L0 {100 - 100 * height:.2f}"])
