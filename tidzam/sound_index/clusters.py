"""Groups of sounds that are alike, by their embeddings. Pure functions.

Arrays of embeddings are float32 (n, values). Distances are cosine distances: 1 minus the cosine of the angle, 0 in the
same direction, 1 at a right angle.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.types import Float32

_TINY: Final = 1e-12
_SHARE: Final = 0.5
"""Of the median distance of all sounds, how far apart those of a group may be: sounds of other kinds in windows of the
same place are about as far apart as the median."""
_LEAST: Final = 0.1
"""If all sounds are of one kind, the median says nothing; sounds that are this near are alike."""


def distances(embeddings: Float32) -> NDArray[np.float64]:
    """The distances between all embeddings, in the condensed form of `scipy.spatial.distance`: (n * (n - 1) / 2,).

    >>> distances(np.array([[1, 0], [0, 2], [3, 0]], np.float32)).tolist()
    [1.0, 0.0, 1.0]
    """
    units = _units(embeddings)
    first, second = np.triu_indices(len(units), 1)
    found: NDArray[np.float64] = np.clip(1 - (units @ units.T)[first, second].astype(np.float64), 0, 2)
    return found


def usual_distance(apart: NDArray[np.float64]) -> float:
    """How far apart the sounds of a group may be on average, by the `distances` of all sounds: bases differ in how far
    apart their embeddings are.

    >>> usual_distance(np.array([0.2, 0.6, 0.8])), usual_distance(np.array([0.01, 0.02]))
    (0.3, 0.1)
    """
    return max(_LEAST, _SHARE * float(np.median(apart))) if len(apart) else _LEAST


def merges_of(apart: NDArray[np.float64]) -> NDArray[np.float64]:
    """The steps, shape (n - 1, 4), in which n sounds become one group, by their `distances`: average linkage.

    Two groups are as far apart as their members are on average (Sokal and Michener, 1958). See
    `scipy.cluster.hierarchy.linkage` for the columns.
    """
    if not len(apart):
        return np.zeros((0, 4))
    from scipy.cluster.hierarchy import linkage  # it is slow to import

    found: NDArray[np.float64] = linkage(apart, "average")
    return found


def groups_of(merges: NDArray[np.float64], *, distance: float) -> list[NDArray[np.int64]]:
    """The groups whose members are no farther apart than `distance` on average: the indices of each, the largest group
    first, and of equal ones the one with the lowest index.

    >>> apart = distances(np.eye(3, dtype=np.float32)[[0, 1, 0]])
    >>> [group.tolist() for group in groups_of(merges_of(apart), distance=0.5)]
    [[0, 2], [1]]
    """
    if not len(merges):
        return [np.zeros(1, np.int64)]
    from scipy.cluster.hierarchy import fcluster

    labels = fcluster(merges, distance, "distance")
    groups = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def from_typical_to_odd(embeddings: Float32) -> list[int]:
    """The indices of the members of a group, that which is nearest to the middle of the group first."""
    units = _units(embeddings)
    closeness = units @ units.mean(axis=0)
    order: list[int] = np.argsort(-closeness, kind="stable").tolist()
    return order


def spread(order: Sequence[int], count: int) -> list[int]:
    """`count` of `order`: the first, the last, and those at equal distances between them.

    >>> spread([7, 5, 3, 1, 0], 3)
    [7, 3, 0]
    """
    if len(order) <= count:
        return list(order)
    return [order[place] for place in np.linspace(0, len(order) - 1, count).round().astype(int)]


def _units(embeddings: Float32) -> Float32:
    lengths = np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), _TINY)
    return np.asarray(embeddings / lengths, np.float32)
