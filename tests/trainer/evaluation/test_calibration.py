"""Temperatures and thresholds of logits with known probabilities."""

import numpy as np
import pytest
from scipy.special import expit, softmax

from trainer.evaluation.calibration import (
    DEFAULT_THRESHOLD,
    TEMPERATURES,
    calibrate,
    fit_temperature,
    fit_thresholds,
    negative_log_likelihood,
    probabilities_of,
)
from trainer.models import Activation


def drawn(activation: Activation, n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated logits, and targets drawn from their probabilities."""
    rng = np.random.default_rng(5)
    logits = rng.normal(0, 2, (n, 4))
    if activation == "sigmoid":
        return logits, (rng.random((n, 4)) < expit(logits)).astype(np.float32)
    lots = softmax(logits, axis=1).cumsum(axis=1) > rng.random((n, 1))
    return logits, np.eye(4, dtype=np.float32)[lots.argmax(axis=1)]


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_overconfidence(activation: Activation, overconfidence: float) -> None:
    logits, targets = drawn(activation)
    assert fit_temperature(logits * overconfidence, targets, activation) == pytest.approx(overconfidence, rel=0.05)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_the_likelihood_agrees_with_the_probabilities(activation: Activation) -> None:
    logits, targets = drawn(activation, 50)
    p = probabilities_of(logits, activation, 1.7)
    log = np.log(p) * targets + (np.log1p(-p) * (1 - targets) if activation == "sigmoid" else 0)
    expected = -log.mean() if activation == "sigmoid" else -log.sum(axis=1).mean()
    assert negative_log_likelihood(logits, targets, activation, 1.7) == pytest.approx(expected)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
def test_a_few_clips_without_mistakes_do_not_give_certainty(activation: Activation) -> None:
    targets = np.eye(3)[[0, 1, 2, 0]]
    logits = 10 * targets - 5
    temperature = fit_temperature(logits, targets, activation)
    assert TEMPERATURES[0] < temperature
    assert probabilities_of(logits, activation, temperature).max() < 0.98


def test_without_data_nothing_is_scaled() -> None:
    assert fit_temperature(np.zeros((0, 3)), np.zeros((0, 3)), "softmax") == 1.0
    assert fit_temperature(np.zeros((5, 3)), np.zeros((5, 3)), "softmax") == 1.0


def test_a_threshold_has_the_best_f1() -> None:
    there = np.repeat([1.0, 0.0], 500)[:, None]
    scores = np.concatenate([np.linspace(0.3, 0.9, 500), np.linspace(0.0, 0.28, 500)])[:, None]
    assert fit_thresholds(there, scores, ["a"]) == {"a": pytest.approx(0.3, abs=0.011)}


def test_of_equal_thresholds_the_nearest_to_the_default_is_chosen() -> None:
    there = np.repeat([1.0, 0.0], 20)[:, None]
    assert fit_thresholds(there, np.repeat([0.95, 0.2], 20)[:, None], ["a"]) == {"a": DEFAULT_THRESHOLD}
    assert fit_thresholds(there, np.repeat([0.95, 0.7], 20)[:, None], ["a"]) == {"a": 0.71}


def test_one_example_does_not_move_a_threshold() -> None:
    there = np.repeat([1.0, 0.0], 20)[:, None]
    scores = np.repeat([0.95, 0.2], 20)[:, None]
    scores[0] = 0.25
    assert fit_thresholds(there, scores, ["a"]) == {"a": DEFAULT_THRESHOLD}


def test_few_examples_give_the_default_threshold() -> None:
    there = np.zeros((100, 1))
    there[:9] = 1
    assert fit_thresholds(there, there * 0.2, ["a"]) == {"a": DEFAULT_THRESHOLD}


def test_calibrate_fits_thresholds_to_the_scaled_probabilities() -> None:
    logits, targets = drawn("sigmoid", 2000)
    fitted = calibrate(logits * 3, targets, ("a", "b", "c", "d"), "sigmoid")
    assert fitted.nll_after < fitted.nll_before
    assert all(0.2 < threshold < 0.6 for threshold in fitted.thresholds.values())
