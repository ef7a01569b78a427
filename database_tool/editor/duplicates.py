"""Near-duplicates: pairs of samples whose features have almost the same direction."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

THRESHOLD = 0.98
LIMIT = 500
COLUMNS, BANDS = 16, 32
"""The size to which the features of a sample are pooled before comparison: 2 kB."""

BLOCK = 1024
"""Samples that are compared with as many others at once."""

Read = Callable[[NDArray[np.int64]], Float32]
"""The features of samples, float32 (k, frames, mels) in dB."""


@dataclass(frozen=True, order=True)
class DuplicatePair:
    """Two samples and the cosine of the angle between their features, at most 1."""

    similarity: float
    one: int
    other: int


def find_duplicates(
    read: Read,
    samples: NDArray[np.int64],
    *,
    threshold: float = THRESHOLD,
    limit: int = LIMIT,
    advance: Progress = no_progress,
) -> list[DuplicatePair]:
    """The pairs of `samples` with a similarity of at least `threshold`, the most similar first, at most `limit`.

    All samples are compared with each other, in blocks: n² / 2 products, a few MB of memory, and 2 kB of temporary
    disk space per sample.
    """
    starts = range(0, len(samples), BLOCK)
    total = len(starts) + len(starts) * (len(starts) + 1) // 2
    found: list[DuplicatePair] = []
    done = 0
    with tempfile.TemporaryFile() as file:
        for start in starts:
            file.write(directions(read(samples[start : start + BLOCK])).tobytes())
            advance(done := done + 1, total)
        file.flush()
        if not len(samples):
            return []
        vectors: Float32 = np.memmap(file, np.float32, "r").reshape(len(samples), -1)
        for start in starts:
            for later in starts[start // BLOCK :]:
                found += _alike(vectors, samples, start, later, threshold)
                found = sorted(found, reverse=True)[:limit]
                advance(done := done + 1, total)
    return found


def directions(features: Float32) -> Float32:
    """Unit vectors of samples, (k, cells): pooled features without their mean, so that loudness makes no difference.

    Features that are constant, as in silence, all get the same direction.
    """
    pooled = _pooled(_pooled(features, COLUMNS, axis=1), BANDS, axis=2).reshape(len(features), -1)
    pooled -= pooled.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
    flat = lengths[:, 0] < 1e-3 * np.sqrt(pooled.shape[1])
    pooled[flat], lengths[flat] = 1, np.sqrt(pooled.shape[1])
    unit: Float32 = (pooled / lengths).astype(np.float32)
    return unit


def _pooled(values: Float32, size: int, *, axis: int) -> Float32:
    """The means of `size` sections along an axis; unchanged if the axis is not longer than that."""
    length = values.shape[axis]
    if length <= size:
        return values.copy()
    edges = np.arange(size + 1) * length // size
    sums = np.add.reduceat(values, edges[:-1], axis=axis)
    shape = [1] * values.ndim
    shape[axis] = size
    means: Float32 = sums / np.diff(edges).reshape(shape).astype(np.float32)
    return means


def _alike(
    vectors: Float32, samples: NDArray[np.int64], start: int, later: int, threshold: float
) -> Sequence[DuplicatePair]:
    """The similar pairs of a sample in the block at `start` and a later one in the block at `later`."""
    similar = vectors[start : start + BLOCK] @ vectors[later : later + BLOCK].T
    if start == later:
        similar[np.tril_indices_from(similar)] = -2  # below any cosine
    rows, columns = np.nonzero(similar >= threshold)
    if len(rows) > MAX_BLOCK_PAIRS:
        best = np.argpartition(similar[rows, columns], -MAX_BLOCK_PAIRS)[-MAX_BLOCK_PAIRS:]
        rows, columns = rows[best], columns[best]
    values = similar[rows, columns].tolist()
    ones, others = samples[start + rows].tolist(), samples[later + columns].tolist()
    return [DuplicatePair(min(value, 1.0), one, other) for value, one, other in zip(values, ones, others, strict=True)]


MAX_BLOCK_PAIRS = 10_000
"""Pairs of two blocks that are kept, the most similar ones: a thousand copies of one sample make a million."""
