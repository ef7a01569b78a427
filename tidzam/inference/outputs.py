"""From what a network returns to probabilities, for networks that return logits. NumPy only."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from tidzam.inference.engines import Network
from tidzam.types import Float32

Activation = Literal["sigmoid", "softmax"]
_HALF: Final = np.float32(0.5)


class LogitsNetwork:
    """A network that returns logits, as one that returns probabilities.

    Logits that are not finite become NaN, so that they are refused like any other output that is not a probability.
    """

    def __init__(self, network: Network, activation: Activation) -> None:
        self._network, self._activation = network, activation

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._network.input_shape

    def predict(self, inputs: Float32) -> Float32:
        logits = self._network.predict(inputs)
        if not isinstance(logits, np.ndarray) or logits.dtype != np.float32 or logits.ndim != 2:
            return logits  # which the checks of its shape refuse
        logits = np.where(np.isfinite(logits), logits, np.float32(np.nan))
        return sigmoid(logits) if self._activation == "sigmoid" else softmax(logits)


def sigmoid(logits: Float32) -> Float32:
    """1 / (1 + exp(-x)) of each logit, written with tanh so that nothing overflows."""
    probabilities: Float32 = _HALF * (1 + np.tanh(_HALF * logits))
    return probabilities


def softmax(logits: Float32) -> Float32:
    """The softmax of each row of logits (n, classes)."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True)) if logits.size else logits
    total: Float32 = powers.sum(axis=1, keepdims=True)
    return powers / total
