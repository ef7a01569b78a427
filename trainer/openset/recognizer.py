"""The recognizer: a linear projection of embeddings, a logistic regression per tag, and a calibrated sigmoid.

All three are linear in the embedding up to the sigmoid, so that the result is one matrix and one bias per tag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tidzam.types import Float32

C: Final = 0.001
"""The inverse strength of the regularization. On ESC-10 with BirdNET, 0.01 recognizes as much and rejects less."""
FOLDS: Final = 5
_LEAST_VARIANCE: Final = 1e-6
"""Principal axes with a smaller share of the largest variance are left out: they are noise."""
_STEPS: Final = 200
_SLOPES: Final = (0.05, 50.0)
"""Lower and upper limit of the slope of the calibration."""


@dataclass(frozen=True)
class Projector:
    """Standardizes embeddings and turns them to their principal axes: (x - `mean`) / `scale` · `axes`.

    `mean` and `scale` have shape (values,), `axes` (values, dimensions). Nothing but noise is lost; there are never
    more dimensions than training windows, which is what makes the fit fast.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def fit(cls, embeddings: NDArray[Any]) -> Projector:
        """Fit to the embeddings (n, values) of all training windows."""
        values = np.asarray(embeddings, np.float64)
        mean, scale = values.mean(axis=0), values.std(axis=0)
        scale = np.where(scale > 1e-6 * max(float(scale.max()), 1e-12), scale, np.inf)  # constants say nothing
        _, sizes, axes = np.linalg.svd((values - mean) / scale, full_matrices=False)
        kept = sizes**2 > _LEAST_VARIANCE * max(float(sizes[0]) ** 2, 1e-12)
        return cls(mean, scale, axes[kept].T)

    def __call__(self, embeddings: NDArray[Any]) -> NDArray[np.float64]:
        projected: NDArray[np.float64] = ((np.asarray(embeddings, np.float64) - self.mean) / self.scale) @ self.axes
        return projected


@dataclass(frozen=True)
class Linear:
    """A linear map to logits: `weights` (dimensions, tags), `biases` (tags,)."""

    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    def __call__(self, values: NDArray[Any]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = values @ self.weights + self.biases
        return logits


@dataclass(frozen=True)
class Recognizer:
    """From embeddings to the probability of each tag: sigmoid(embedding · `weights` + `biases`), float32.

    `weights` has shape (values, tags), `biases` (tags,). `held_out`, shape (n, tags), holds the probabilities of the
    training windows by recognizers that were fitted without their recordings: thresholds are chosen by these.
    """

    weights: Float32
    biases: Float32
    held_out: NDArray[np.float64]

    def probabilities(self, embeddings: NDArray[Any]) -> NDArray[np.float64]:
        """The probabilities, shape (n, tags), of embeddings (n, values)."""
        logits = np.asarray(embeddings, np.float64) @ self.weights.astype(np.float64) + self.biases
        return np.asarray(scipy.special.expit(logits), np.float64)


def fit_recognizer(embeddings: NDArray[Any], targets: NDArray[Any], groups: NDArray[Any]) -> Recognizer:
    """Fit to training windows: `embeddings` (n, values), `targets` (n, tags), 0 or 1; rows of zeros are unknown sounds.

    `groups` (n,) numbers the recordings, which cross-validation keeps whole. The probabilities are calibrated on the
    windows that were held out (Platt 1999), so that one of 0.8 is right 8 times of 10 on such data.
    """
    there = np.asarray(targets, np.float64)
    with threadpool_limits(1, user_api="blas"):  # its products are small: threads would only wait for each other
        return _fitted(embeddings, there, groups)


def _fitted(embeddings: NDArray[Any], there: NDArray[np.float64], groups: NDArray[Any]) -> Recognizer:
    projector = Projector.fit(embeddings)
    projected = projector(embeddings)
    folds = assign_folds(there, groups)
    logits = np.empty_like(there)
    for fold in np.unique(folds):
        rest = folds != fold
        logits[~rest] = fit_linear(projected[rest], there[rest])(projected[~rest])
    classifier = fit_linear(projected, there)
    calibration = [_calibrated(logits[:, k], there[:, k]) for k in range(there.shape[1])]
    slopes, offsets = (np.array(values) for values in zip(*calibration, strict=True))
    weights = (projector.axes @ classifier.weights) / projector.scale[:, None] * slopes
    biases = classifier.biases * slopes + offsets - projector.mean @ weights
    held_out = scipy.special.expit(logits * slopes + offsets)
    return Recognizer(weights.astype(np.float32), biases.astype(np.float32), np.asarray(held_out))


def fit_linear(values: NDArray[np.float64], targets: NDArray[np.float64]) -> Linear:
    """A logistic regression per column of `targets` (n, tags), on `values` (n, dimensions), with an L2 penalty.

    Examples and others weigh the same in total, however rare a tag is. Minimizes
    C · Σ w log(1 + exp(-s · logit)) + |weights|² / 2, where s is 1 or -1, for all tags at once.
    """
    count, dimensions = values.shape
    tags = targets.shape[1]
    signs = 2 * targets - 1
    share = np.clip(targets.mean(axis=0), 1 / (2 * count), 1 - 1 / (2 * count))
    loads = C * np.where(targets > 0, 0.5 / share, 0.5 / (1 - share))

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        parameters = flat.reshape(dimensions + 1, tags)
        margins = signs * (values @ parameters[:-1] + parameters[-1])
        slopes = -loads * signs * scipy.special.expit(-margins)
        gradient = np.vstack([values.T @ slopes + parameters[:-1], slopes.sum(axis=0)])
        total = np.sum(loads * np.logaddexp(0.0, -margins)) + 0.5 * np.sum(parameters[:-1] ** 2)
        return float(total), gradient.ravel()

    start = np.zeros((dimensions + 1) * tags)
    found = scipy.optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    parameters = found.x.reshape(dimensions + 1, tags)
    return Linear(parameters[:-1], parameters[-1])


def assign_folds(targets: NDArray[Any], groups: NDArray[Any]) -> NDArray[np.int64]:
    """The fold of each window, shape (n,): whole groups, the largest first, each to the fold with least of its tags.

    Deterministic. There are `FOLDS` folds, or as many as there are groups.
    """
    names, owners = np.unique(groups, return_inverse=True)
    counts = np.zeros((len(names), targets.shape[1] + 1))
    np.add.at(counts, owners, np.column_stack([targets, 1 - np.asarray(targets).max(axis=1)]))
    folds = np.zeros((min(FOLDS, len(names)), counts.shape[1]))
    chosen = np.zeros(len(names), np.int64)
    for group in np.argsort(-counts.sum(axis=1), kind="stable"):
        overlap = folds @ (counts[group] / np.maximum(counts.sum(axis=0), 1))
        chosen[group] = np.lexsort((folds.sum(axis=1), overlap))[0]
        folds[chosen[group]] += counts[group]
    return chosen[owners]


def _calibrated(logits: NDArray[np.float64], there: NDArray[np.float64]) -> tuple[float, float]:
    """The slope and the offset that make logits (n,) the likeliest for `there` (n,), which is smoothed by one example
    of each kind (J. Platt, "Probabilistic outputs for support vector machines", 1999)."""
    positives, negatives = there.sum(), len(there) - there.sum()
    wanted = np.where(there > 0, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    scale = max(float(logits.std()), 1e-9)

    def loss(parameters: NDArray[np.float64]) -> float:
        scaled = parameters[0] * logits / scale + parameters[1]
        return float(np.mean(np.logaddexp(0.0, scaled) - wanted * scaled))

    found = scipy.optimize.minimize(loss, np.array([1.0, 0.0]), bounds=[_SLOPES, (None, None)], method="L-BFGS-B")
    return float(found.x[0]) / scale, float(found.x[1])
