"""Logits as probabilities."""

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax as reference_softmax

from tidzam.inference.engines import valid_rows
from tidzam.inference.outputs import Activation, LogitsNetwork, sigmoid, softmax
from tidzam.types import Float32

LOGITS = np.linspace(-120, 120, 2410, dtype=np.float32).reshape(-1, 10)


class Echo:
    """A network that returns its input."""

    input_shape = (None, 10)

    def predict(self, inputs: Float32) -> Float32:
        return inputs


def test_the_sigmoid_is_that_of_scipy() -> None:
    np.testing.assert_allclose(sigmoid(LOGITS), expit(LOGITS.astype(np.float64)), atol=1e-6)


def test_the_softmax_is_that_of_scipy() -> None:
    np.testing.assert_allclose(softmax(LOGITS), reference_softmax(LOGITS.astype(np.float64), axis=1), atol=1e-6)


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("count", [0, 1, 5])
def test_any_number_of_windows(activation: Activation, count: int) -> None:
    found = LogitsNetwork(Echo(), activation).predict(LOGITS[:count])
    assert found.shape == (count, 10)
    assert found.dtype == np.float32


@pytest.mark.parametrize("activation", ["sigmoid", "softmax"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_logits_that_are_not_finite_are_no_probabilities(activation: Activation, value: float) -> None:
    logits = LOGITS[:3].copy()
    logits[1, 4] = value
    assert valid_rows(LogitsNetwork(Echo(), activation).predict(logits)).tolist() == [True, False, True]
