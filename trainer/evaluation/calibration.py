"""Calibration: the temperature that turns logits into probabilities, and the threshold of each class.

Both are fitted to validation data, which the weights were not fitted to. Temperature scaling divides all logits by one
number (Guo et al. 2017, "On calibration of modern neural networks"): it changes the confidence of a classifier, but
not which class is the most probable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.optimize
import scipy.special
from numpy.typing import NDArray

from tidzam.metrics import precision_recall_f1
from trainer.models import Activation

TEMPERATURES = (0.2, 5.0)
"""Lower and upper limit of the temperature."""
THRESHOLDS = np.round(np.arange(0.1, 0.901, 0.01), 2)
"""Candidates for thresholds. Extreme values are excluded, since validation data is never complete."""
DEFAULT_THRESHOLD = 0.5
MIN_SAMPLES = 10
"""Minimum number of examples with a class, and without it, to fit its threshold."""


@dataclass(frozen=True)
class Calibration:
    """`nll_before` and `nll_after` are the mean negative log likelihood of the targets in nats, without and with the
    temperature."""

    temperature: float
    thresholds: dict[str, float]
    nll_before: float
    nll_after: float


def calibrate(
    logits: NDArray[Any], targets: NDArray[Any], classes: Sequence[str], activation: Activation
) -> Calibration:
    """Fit temperature and thresholds to validation windows: `logits` and `targets` have shape (windows, classes)."""
    temperature = fit_temperature(logits, targets, activation)
    return Calibration(
        temperature,
        fit_thresholds(targets, probabilities_of(logits, activation, temperature), classes),
        negative_log_likelihood(logits, targets, activation),
        negative_log_likelihood(logits, targets, activation, temperature),
    )


def probabilities_of(logits: NDArray[Any], activation: Activation, temperature: float = 1.0) -> NDArray[np.float64]:
    """Probabilities, shape (windows, classes), 0…1; with softmax each row sums to 1."""
    scaled = np.asarray(logits, np.float64) / temperature
    values = scipy.special.expit(scaled) if activation == "sigmoid" else scipy.special.softmax(scaled, axis=1)
    return np.asarray(values, np.float64)


def negative_log_likelihood(
    logits: NDArray[Any], targets: NDArray[Any], activation: Activation, temperature: float = 1.0
) -> float:
    """The mean over windows in nats; with sigmoid over windows and classes. NaN without windows."""
    if not len(targets):
        return float("nan")
    scaled = np.asarray(logits, np.float64) / temperature
    if activation == "softmax":
        return float(-np.mean(np.sum(targets * scipy.special.log_softmax(scaled, axis=1), axis=1)))
    return float(np.mean(np.logaddexp(0.0, scaled) - targets * scaled))


def fit_temperature(logits: NDArray[Any], targets: NDArray[Any], activation: Activation) -> float:
    """The temperature in `TEMPERATURES` with the highest likelihood of the targets.

    The targets are smoothed as by one more example of unknown class (Platt 1999): otherwise a classifier without
    mistakes on a few clips would become certain of everything.
    """
    if activation == "softmax":  # background has no class that could be more probable
        has_class = np.asarray(targets).sum(axis=1) > 0
        logits, targets = logits[has_class], targets[has_class]
    if not len(targets):
        return 1.0
    nothing_known = 1 / targets.shape[1] if activation == "softmax" else 0.5
    softened = (len(targets) * np.asarray(targets, np.float64) + nothing_known) / (len(targets) + 1)
    found = scipy.optimize.minimize_scalar(
        lambda log_t: negative_log_likelihood(logits, softened, activation, float(np.exp(log_t))),
        bounds=tuple(np.log(TEMPERATURES)),
        method="bounded",
    )
    return round(float(np.exp(found.x)), 4)


def fit_thresholds(targets: NDArray[Any], probabilities: NDArray[Any], classes: Sequence[str]) -> dict[str, float]:
    """The threshold with the best F1 of each class; `DEFAULT_THRESHOLD` for classes with too few examples.

    Of thresholds that differ by one example at most, the one nearest to the default is chosen.
    """
    present = targets >= 0.5
    return {label: _best_threshold(present[:, k], probabilities[:, k]) for k, label in enumerate(classes)}


def _best_threshold(present: NDArray[np.bool_], scores: NDArray[np.float64]) -> float:
    if min(int(present.sum()), int((~present).sum())) < MIN_SAMPLES:
        return DEFAULT_THRESHOLD
    f1 = np.array([precision_recall_f1(present, scores >= threshold)[2] for threshold in THRESHOLDS])
    best = THRESHOLDS[f1 >= f1.max() - 1 / int(present.sum())]
    return float(best[np.argmin(np.abs(best - DEFAULT_THRESHOLD))])
