"""Plots of metrics as PNG, drawn by matplotlib without a display."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tidzam.metrics import Curve, RocCurve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
NUMBERED = 20
"""Largest number of classes for which the cells of a confusion matrix are labeled with their counts."""
NAMED = 10
"""Number of precision-recall curves with a color and a name: those with the lowest average precision."""


def confusion_matrix(confusion: NDArray[Any], classes: Sequence[str]) -> bytes:
    """A confusion matrix: true classes in rows, predicted classes in columns; the color is the share of the row."""
    from matplotlib.figure import Figure

    count = len(classes)
    side = 2.2 + min(0.42 * count, 10)
    figure = Figure(figsize=(side + 0.6, side), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    size = 9 if count <= NUMBERED else 6
    axes.set_xticks(range(count), classes, rotation=45, ha="right", rotation_mode="anchor", fontsize=size)
    axes.set_yticks(range(count), classes, fontsize=size)
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    if count <= NUMBERED:
        for i, j in np.argwhere(confusion > 0):
            ink = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, str(confusion[i, j]), ha="center", va="center", color=ink, fontsize=size)
    figure.colorbar(picture, ax=axes, shrink=0.7, label="share of the class")
    return _png(figure)


def precision_recall_curves(curves: Mapping[str, Curve]) -> bytes:
    """One curve per class, with its average precision. If there are many, only the lowest have names and colors."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    drawn = {label: curve for label, curve in curves.items() if len(curve.recall)}
    lowest = sorted(drawn, key=lambda label: drawn[label].average_precision)[:NAMED]
    for label, curve in drawn.items():
        named = label in lowest
        # The curve starts at recall 0, before the first detection.
        recall, precision = np.append(0.0, curve.recall), np.append(curve.precision[0], curve.precision)
        axes.step(
            recall,
            precision,
            where="pre",  # as average precision adds them up
            color=None if named else "0.8",
            linewidth=1.8 if named else 0.8,
            zorder=2 if named else 1,
            label=f"{label}  {curve.average_precision:.2f}" if named else None,
        )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if drawn:
        title = "average precision" if len(drawn) <= NAMED else "lowest average precisions"
        figure.legend(loc="outside right upper", title=title, frameon=False, fontsize=9)
    return _png(figure)


def roc_curves(curves: Mapping[str, RocCurve]) -> bytes:
    """One curve per class, with the area under it. If there are many, only the lowest have names and colors."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    drawn = {label: curve for label, curve in curves.items() if len(curve.thresholds)}
    lowest = sorted(drawn, key=lambda label: drawn[label].area)[:NAMED]
    for label, curve in drawn.items():
        named = label in lowest
        axes.plot(
            curve.false_positive_rate,
            curve.true_positive_rate,
            color=None if named else "0.8",
            linewidth=1.8 if named else 0.8,
            zorder=2 if named else 1,
            label=f"{label}  {curve.area:.3f}" if named else None,
        )
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=0.8, linestyle="--")
    axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if drawn:
        title = "area under the curve" if len(drawn) <= NAMED else "lowest areas"
        figure.legend(loc="outside right upper", title=title, frameon=False, fontsize=9)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    # Without time and version, so that the same metrics give the same file.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
