"""Near-duplicates: pairs of samples whose features point almost the same way."""

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
"""What a sample is brought down to before it is compared: 2 kB."""

BLOCK = 1024
"""Samples that are compared with as many others at once."""

Read = Callable[[NDArray[np.int64]], Float32]
"""The features of samples, float32 (k, frames, mels) in dB."""


@dataclass(frozen=True, order=True)
class Pair:
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
) -> list[Pair]:
    """The pairs among `samples` that are at least `threshold` alike, the likest first, at most `limit`.

    All are compared with all, in blocks: n² / 2 products, some MB of memory and 2 kB a sample of temporary disk.
    """
    starts = range(0, len(samples), BLOCK)
    total = len(starts) + len(starts) * (len(starts) + 1) // 2
    found: list[Pair] = []
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
    """Unit vectors of samples, (k, cells): each pooled, and without its mean, so that loudness makes no difference.

    What is the same all over, as silence is, has a direction of its own.
    """
    pooled = _pooled(_pooled(features, COLUMNS, axis=1), BANDS, axis=2).reshape(len(features), -1)
    pooled -= pooled.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(pooled, axis=1, keepdims=True)
    flat = lengths[:, 0] < 1e-3 * np.sqrt(pooled.shape[1])
    pooled[flat], lengths[flat] = 1, np.sqrt(pooled.shape[1])
    unit: Float32 = (pooled / lengths).astype(np.float32)
    return unit


def _pooled(values: Float32, size: int, *, axis: int) -> Float32:
    """The means of `size` stretches along an axis; all of it, if it is no longer than that."""
    length = values.shape[axis]
    if length <= size:
        return values.copy()
    edges = np.arange(size + 1) * length // size
    sums = np.add.reduceat(values, edges[:-1], axis=axis)
    shape = [1] * values.ndim
    shape[axis] = size
    means: Float32 = sums / np.diff(edges).reshape(shape).astype(np.float32)
    return means


def _alike(vectors: Float32, samples: NDArray[np.int64], start: int, later: int, threshold: float) -> Sequence[Pair]:
    """The pairs of one in the block at `start` and one behind it in the block at `later`."""
    similar = vectors[start : start + BLOCK] @ vectors[later : later + BLOCK].T
    if start == later:
        similar[np.tril_indices_from(similar)] = -2  # below any cosine
    rows, columns = np.nonzero(similar >= threshold)
    if len(rows) > LIMIT_OF_BLOCK:
        best = np.argpartition(similar[rows, columns], -LIMIT_OF_BLOCK)[-LIMIT_OF_BLOCK:]
        rows, columns = rows[best], columns[best]
    values = similar[rows, columns].tolist()
    ones, others = samples[start + rows].tolist(), samples[later + columns].tolist()
    return [Pair(min(value, 1.0), one, other) for value, one, other in zip(values, ones, others, strict=True)]


LIMIT_OF_BLOCK = 10_000
"""Pairs of two blocks that are looked at one by one: the likest. Of copies of one sample there are a million."""
