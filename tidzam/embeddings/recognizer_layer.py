"""The last layer of a recognizer: from embeddings to the probability of each tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import scipy.special
from numpy.typing import NDArray

from tidzam.types import Float32

SHORTEST: Final = 1e-6
"""The divisor of embeddings that are shorter than this: they do not reach the length 1."""


@dataclass(frozen=True)
class RecognizerLayer:
    """With x, an embedding scaled to the length 1: sigmoid(x · `weights` + (x · `axes`)² · `curvatures` + `biases`).

    `weights` has shape (values, tags), `biases` (tags,), `axes` (values, m), `curvatures` (m, tags), all float32.
    Recognizers of earlier versions have no axes, and their weights are those of embeddings that are not scaled.
    """

    weights: Float32
    biases: Float32
    axes: Float32 | None = None
    curvatures: Float32 | None = None

    def probabilities(self, embeddings: NDArray[Any]) -> NDArray[np.float64]:
        """The probabilities, shape (n, tags), of embeddings (n, values)."""
        values = np.asarray(embeddings, np.float64)
        if self.axes is None or self.curvatures is None:
            logits = values @ self.weights.astype(np.float64) + self.biases
        else:
            values = unit_length(values)
            squares = (values @ self.axes.astype(np.float64)) ** 2
            logits = values @ self.weights.astype(np.float64) + squares @ self.curvatures + self.biases
        return np.asarray(scipy.special.expit(logits), np.float64)


def unit_length(embeddings: NDArray[Any]) -> NDArray[np.float64]:
    """Embeddings (n, values), each scaled to the length 1."""
    values = np.asarray(embeddings, np.float64)
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    scaled: NDArray[np.float64] = values / np.maximum(lengths, SHORTEST)
    return scaled
