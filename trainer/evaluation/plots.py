"""Pictures of how a classifier does, as PNG: drawn by matplotlib without a screen."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tidzam.metrics import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 100
NUMBERED = 20
"""Up to so many classes, each cell of a confusion matrix says its number."""
NAMED = 10
"""So many precision-recall curves get a colour; of more, those that need looking at."""


def confusion_matrix(confusion: NDArray[Any], classes: Sequence[str]) -> bytes:
    """Truth in rows, what was said in columns; the colour is the share of the row."""
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
    axes.set_xlabel("taken for")
    axes.set_ylabel("truth")
    if count <= NUMBERED:
        for i, j in np.argwhere(confusion > 0):
            ink = "white" if shares[i, j] > 0.55 else "black"
            axes.text(j, i, str(confusion[i, j]), ha="center", va="center", color=ink, fontsize=size)
    figure.colorbar(picture, ax=axes, shrink=0.7, label="share of the class")
    return _png(figure)


def precision_recall_curves(curves: Mapping[str, Curve]) -> bytes:
    """One curve a class, with its average precision. Of many, the lowest have names and the others are grey."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    drawn = {label: curve for label, curve in curves.items() if len(curve.recall)}
    lowest = sorted(drawn, key=lambda label: drawn[label].average_precision)[:NAMED]
    for label, curve in drawn.items():
        named = label in lowest
        # From the first threshold down, so that the curve starts where nothing was found yet.
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
        title = "average precision" if len(drawn) <= NAMED else "the lowest average precisions"
        figure.legend(loc="outside right upper", title=title, frameon=False, fontsize=9)
    return _png(figure)


def _png(figure: Figure) -> bytes:
    file = io.BytesIO()
    # No time and no version in it: the same figures give the same file.
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
