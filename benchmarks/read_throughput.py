"""`python -m benchmarks.read_throughput DATASET HOW [GROUP]`: read a dataset in that order; print windows per second.

A separate process, so that its memory, page cache included, can be limited.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.memory_limit import enter
from tidzam.dataset import Dataset, open_dataset

BATCH = 64
SEED = 1


def main() -> int:
    folder, how, *group = sys.argv[1:]
    if group:
        enter(Path(group[0]))
    dataset = open_dataset(Path(folder))
    began_s = time.perf_counter()
    read = WAYS[how](dataset)
    print(read / (time.perf_counter() - began_s))
    return 0


def shards(dataset: Dataset) -> int:
    """Whole shards of 64 MB, from beginning to end: the fastest there is."""
    return sum(len(chunk.features) for chunk in dataset.chunks())


def sequential(dataset: Dataset) -> int:
    """Batches, from beginning to end."""
    return _batches(dataset, np.arange(len(dataset)))


def at_random(dataset: Dataset) -> int:
    """Batches of samples from anywhere; each sample once, so that no cache can help."""
    return _batches(dataset, np.random.default_rng(SEED).permutation(len(dataset)))


def _batches(dataset: Dataset, order: NDArray[np.int64]) -> int:
    """Read batch after batch, prefetching the next."""
    read = 0
    for start in range(0, len(order), BATCH):
        dataset.prefetch(order[start + BATCH : start + 2 * BATCH])
        read += len(dataset.features(order[start : start + BATCH]))
    return read


WAYS = {"shards": shards, "sequential": sequential, "random": at_random}

if __name__ == "__main__":
    sys.exit(main())
