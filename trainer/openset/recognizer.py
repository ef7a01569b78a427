"""The recognizer: how much more an embedding is like a tag than like sound in general, as a calibrated probability.

For each tag, two scores are added. One is the logarithm of a ratio of likelihoods: of a normal distribution around the
mean of the tag, and of one around the mean of all sounds (the relative Mahalanobis distance of J. Ren et al., "A Simple
Fix to Mahalanobis Distance for Improving Near-OOD Detection", 2021). It rejects what is far from all tags. The other is
the logit of a logistic regression of the tag against all else, which rejects what resembles known background. Both are
functions of the embedding's direction and of its squares on a few axes, so that the result is one small layer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tidzam.embeddings.recognizer_layer import RecognizerLayer, unit_length
from trainer.openset.normal_ratio import NormalRatio

C: Final = 0.01
"""The inverse strength of the regularization."""
FOLDS: Final = 5
TAG_GROUPS: Final = 10
"""At most so many recognizers are fitted without some of the tags."""
_DIMENSIONS: Final = 256
_LINEAR_SHARE: Final = 0.5
"""What the logistic regression counts, relative to the ratio of likelihoods."""
_STEPS: Final = 200
_SLOPES: Final = (0.05, 50.0)
"""Lower and upper limit of the slope of the calibration."""


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
    """From embeddings to the probability of each tag.

    `held_out`, shape (n, tags), holds the probabilities of the training windows by recognizers that were fitted without
    their recordings: thresholds are chosen by these.
    """

    layer: RecognizerLayer
    held_out: NDArray[np.float64]


@dataclass(frozen=True)
class _Scores:
    """The sum of both scores."""

    ratio: NormalRatio
    linear: Linear
    factors: tuple[float, float]

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.factors[0] * self.ratio(values) + self.factors[1] * self.linear(values)


def fit_recognizer(
    embeddings: NDArray[Any],
    targets: NDArray[Any],
    groups: NDArray[Any],
    synthetic: NDArray[Any] | None = None,
) -> Recognizer:
    """Fit to training windows: `embeddings` (n, values), `targets` (n, tags), 0 or 1; rows of zeros are unknown sounds.

    `groups` (n,) numbers the recordings, which cross-validation keeps whole. `synthetic` (m, values) are embeddings of
    further unknown sounds, which are never held out. Without any background, a window of a tag is held out for the
    others by recognizers that were fitted without that tag, so that it is as unknown as what comes later. The
    probabilities are calibrated on the windows that were held out (Platt 1999), by one sigmoid for all tags: with one
    for each, what is unknown would look most like the tag with the flattest sigmoid.
    """
    there = np.asarray(targets, np.float64)
    with threadpool_limits(1, user_api="blas"):  # its products are small: threads would only wait for each other
        return _fitted(unit_length(embeddings), there, groups, synthetic)


def _fitted(
    units: NDArray[np.float64], there: NDArray[np.float64], groups: NDArray[Any], synthetic: NDArray[Any] | None
) -> Recognizer:
    others = np.zeros((0, units.shape[1])) if synthetic is None else unit_length(synthetic)
    axes = _principal_axes(np.concatenate([units, others]))
    values, others = units @ axes, others @ axes
    scores = _fit_scores(values, there, others)
    held_out = _held_out_scores(values, there, groups, others, scores.factors)
    slope, offset = _calibrated(held_out.ravel(), there.ravel())
    probabilities = scipy.special.expit(held_out * slope + offset)
    return Recognizer(_layer(scores, axes, slope, offset), np.asarray(probabilities))


def _principal_axes(units: NDArray[np.float64]) -> NDArray[np.float64]:
    """Orthonormal axes (values, dimensions) of what differs most; nearly all of the variance is on them."""
    _, axes = np.linalg.eigh(units.T @ units)
    return np.asarray(axes[:, ::-1][:, : min(_DIMENSIONS, len(units))])


def _fit_scores(
    values: NDArray[np.float64],
    there: NDArray[np.float64],
    others: NDArray[np.float64],
    factors: tuple[float, float] | None = None,
) -> _Scores:
    """Fit both scores. By default, each counts as one divided by its spread on all windows."""
    everything = np.concatenate([values, others])
    targets = np.concatenate([there, np.zeros((len(others), there.shape[1]))])
    ratio = NormalRatio.fit(values, there, everything)
    center, spread = everything.mean(axis=0), max(float(everything.std()), 1e-9)
    linear = fit_linear((everything - center) / spread, targets)
    linear = Linear(linear.weights / spread, linear.biases - center / spread @ linear.weights)
    if factors is None:
        spreads = [max(float(score(everything).std()), 1e-9) for score in (ratio, linear)]
        factors = 1 / spreads[0], _LINEAR_SHARE / spreads[1]
    return _Scores(ratio, linear, factors)


def _held_out_scores(
    values: NDArray[np.float64],
    there: NDArray[np.float64],
    groups: NDArray[Any],
    others: NDArray[np.float64],
    factors: tuple[float, float],
) -> NDArray[np.float64]:
    """The scores (n, tags) of all training windows by recognizers that do not know them."""
    folds = assign_folds(there, groups)
    scores = np.empty_like(there)
    for fold in np.unique(folds):
        rest = folds != fold
        scores[~rest] = _fit_scores(values[rest], there[rest], others, factors)(values[~rest])
    tags = there.shape[1]
    if tags == 1 or not there.any(axis=1).all():
        return scores
    for unknown in np.array_split(np.arange(tags), min(tags, TAG_GROUPS)):
        known = np.setdiff1d(np.arange(tags), unknown)
        has = there[:, unknown].any(axis=1)
        if (len(known) == 1 and not len(others)) or not there[~has][:, known].any(axis=0).all():
            continue  # no negatives would be left
        found = np.full((int(has.sum()), tags), np.nan)
        found[:, known] = _fit_scores(values[~has], there[~has][:, known], others, factors)(values[has])
        scores[has] = np.where((there[has] > 0) | np.isnan(found), scores[has], found)
    return scores


def _layer(scores: _Scores, axes: NDArray[np.float64], slope: float, offset: float) -> RecognizerLayer:
    """The calibrated scores as a layer on embeddings."""
    ratio = scores.ratio
    curved, curvatures = ratio.principal()
    of_ratio, of_linear = scores.factors
    weights = of_ratio * ratio.weights + of_linear * scores.linear.weights
    biases = of_ratio * ratio.biases + of_linear * scores.linear.biases
    return RecognizerLayer(
        weights=(axes @ (weights * slope)).astype(np.float32),
        biases=(biases * slope + offset).astype(np.float32),
        axes=(axes @ curved).astype(np.float32),
        curvatures=np.repeat(curvatures[:, None] * slope * of_ratio, len(biases), axis=1).astype(np.float32),
    )


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
