"""How much likelier an embedding is under the distribution of a tag than under that of all sounds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SHRINKAGE: Final = 0.7
"""How far covariances are drawn to a multiple of the unit matrix: there are fewer windows than values."""
_LEAST_VARIANCE: Final = 1e-9


@dataclass(frozen=True)
class NormalRatio:
    """Twice the logarithm of the ratio of two normal densities, up to constants: x · `curvature` · x + x · `weights` +
    `biases`, for each tag.

    The tags share the covariance within them. `curvature` has shape (dimensions, dimensions), `weights` (dimensions,
    tags), `biases` (tags,).
    """

    curvature: NDArray[np.float64]
    weights: NDArray[np.float64]
    biases: NDArray[np.float64]

    @classmethod
    def fit(
        cls, values: NDArray[np.float64], targets: NDArray[np.float64], everything: NDArray[np.float64]
    ) -> NormalRatio:
        """Fit to windows (n, dimensions) in which tags are heard as `targets` (n, tags) say, 0 or 1; `everything`
        (m, dimensions) are these and all others."""
        means = (targets.T @ values) / np.maximum(targets.sum(axis=0), 1)[:, None]
        rows, tags = np.nonzero(targets)
        center = everything.mean(axis=0)
        within, total = _precision(values[rows] - means[tags]), _precision(everything - center)
        to_means = within @ means.T
        return cls(
            curvature=total - within,
            weights=2 * (to_means - (total @ center)[:, None]),
            biases=center @ total @ center - np.sum(means.T * to_means, axis=0),
        )

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The ratio, shape (n, tags), of values (n, dimensions)."""
        squares = np.sum((values @ self.curvature) * values, axis=1, keepdims=True)
        found: NDArray[np.float64] = squares + values @ self.weights + self.biases
        return found

    def principal(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Orthonormal axes (dimensions, dimensions) and the curvature on each: the same as the matrix."""
        curvatures, axes = np.linalg.eigh(self.curvature)
        return np.asarray(axes), np.asarray(curvatures)


def _precision(centered: NDArray[np.float64]) -> NDArray[np.float64]:
    """The inverse of the shrunk covariance of rows (n, dimensions) whose mean is 0."""
    covariance = centered.T @ centered / max(1, len(centered))
    dimensions = len(covariance)
    mean = max(float(np.trace(covariance)) / dimensions, _LEAST_VARIANCE)
    shrunk = (1 - SHRINKAGE) * covariance + SHRINKAGE * mean * np.eye(dimensions)
    return np.asarray(np.linalg.inv(shrunk), np.float64)
