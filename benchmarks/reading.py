"""`python -m benchmarks.reading DATASET HOW [GROUP]`: read a dataset as told, and print windows a second.

A process of its own, so that its memory, page cache included, can be limited.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

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


def sequential(dataset: Dataset) -> int:
    """Shard after shard, from beginning to end."""
    return sum(len(chunk.features) for chunk in dataset.chunks())


def at_random(dataset: Dataset) -> int:
    """Batches of samples from anywhere, the next one told before; each sample once, so that no cache can help."""
    order = np.random.default_rng(SEED).permutation(len(dataset))
    read = 0
    for start in range(0, len(order), BATCH):
        dataset.prefetch(order[start + BATCH : start + 2 * BATCH])
        read += len(dataset.features(order[start : start + BATCH]))
    return read


def batches_at_random(dataset: Dataset) -> int:
    """Batches of neighbours, in random order: what a dataset that was randomized on disk allows."""
    starts = BATCH * np.random.default_rng(SEED).permutation(len(dataset) // BATCH)
    return sum(len(dataset.features(np.arange(start, start + BATCH))) for start in starts)


WAYS = {"sequential": sequential, "random": at_random, "random-batches": batches_at_random}

if __name__ == "__main__":
    sys.exit(main())
