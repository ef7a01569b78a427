"""Which sounds a person should label next: those that would teach a recognizer most. Pure functions.

Three criteria work together: a sound is *uncertain* if its probability is near the threshold, *novel* if it is unlike
what has been labeled, and a choice is *diverse* if its sounds are unlike one another. Arrays of embeddings are float32
(n, values); all criteria are from 0 to 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

_LEAST_WORTH = 0.05
"""What is not uncertain at all may still be chosen because it is like nothing else."""


def uncertainty(probabilities: NDArray[Any], thresholds: NDArray[Any]) -> Float32:
    """How near each window is to the threshold of a tag, shape (n,): 1 at the threshold, 0 at probabilities 0 and 1.

    `probabilities` has shape (n, tags), `thresholds` (tags,). The tag that is nearest to its threshold counts.

    >>> uncertainty(np.array([[0.1], [0.4], [0.7]]), np.array([0.4])).round(2).tolist()
    [0.25, 1.0, 0.5]
    """
    limits = np.clip(np.asarray(thresholds, np.float64), 1e-6, 1 - 1e-6)
    below, above = probabilities / limits, (1 - probabilities) / (1 - limits)
    return np.asarray(np.minimum(below, above).max(axis=1, initial=0.0), np.float32)


def near_threshold(probabilities: NDArray[Any], classes: NDArray[Any]) -> Float32:
    """How near each detection is to the threshold of its class, shape (n,): 1 for the least probable detection of the
    class, which reached it just so, and 0 at a probability of 1. Both arguments have shape (n,).

    >>> near_threshold(np.array([0.5, 0.75, 0.8]), np.array([0, 0, 1])).tolist()
    [1.0, 0.5, 1.0]
    """
    found = np.zeros(len(probabilities), np.float32)
    for one in np.unique(classes):
        of_class = classes == one
        lowest = min(float(probabilities[of_class].min()), 1 - 1e-6)
        found[of_class] = (1 - probabilities[of_class]) / (1 - lowest)
    return found


def directions(embeddings: Float32, center: Float32) -> Float32:
    """Unit vectors from `center`, the mean embedding of the place, to each embedding. The angles between them say more
    than those between embeddings, all of which point to the same side."""
    moved = embeddings - center
    lengths = np.linalg.norm(moved, axis=1, keepdims=True)
    return np.asarray(np.divide(moved, lengths, out=np.zeros_like(moved), where=lengths > 0), np.float32)


def novelty(candidates: Float32, labeled: Float32) -> Float32:
    """How far each of the `candidates` (n, values) is from the nearest of the `labeled` ones, shape (n,): 0 in the same
    direction, 0.5 at a right angle; 1 if nothing has been labeled. Both are `directions`."""
    if not len(labeled):
        return np.ones(len(candidates), np.float32)
    return np.asarray(np.clip((1 - (candidates @ labeled.T).max(axis=1)) / 2, 0, 1), np.float32)


def choose(candidates: Float32, labeled: Float32, worth: Float32, count: int) -> NDArray[np.int64]:
    """The numbers of `count` candidates, the best first: each is the one whose worth, times its distance from what is
    labeled or chosen already, is largest (farthest-point selection, weighted). Equal ones are taken in their order.

    `candidates` (n, values) and `labeled` (m, values) are `directions`, `worth` (n,) is from 0 to 1.
    """
    weights = _LEAST_WORTH + (1 - _LEAST_WORTH) * np.asarray(worth, np.float64)
    distances = novelty(candidates, labeled).astype(np.float64)
    is_free = np.ones(len(candidates), bool)
    chosen: list[int] = []
    while len(chosen) < min(count, len(candidates)):
        best = int(np.argmax(np.where(is_free, weights * distances, -1.0)))
        chosen.append(best)
        is_free[best] = False
        distances = np.minimum(distances, novelty(candidates, candidates[best : best + 1]))
    return np.array(chosen, np.int64)
