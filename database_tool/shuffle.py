"""Shuffling a dataset of any size: samples are distributed to buckets on disk, and each bucket is ordered in memory."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from database_tool.operations import name_at
from database_tool.provenance import with_step
from tidzam.dataset import Dataset, DatasetWriter, Draft
from tidzam.errors import DatasetError
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

BUCKET_BYTES = 128 << 20


def randomize(
    dataset: Dataset,
    folder: Path,
    *,
    seed: int,
    resume: bool = False,
    advance: Progress = no_progress,
    bucket_bytes: int = BUCKET_BYTES,
) -> Dataset:
    """Write the samples to `folder` in an order that depends on `seed` alone.

    Both passes read and write sequentially, which is fast on hard disks, too. Memory holds a bucket and a shard. The
    buckets need as much disk space as the dataset until the end.
    """
    order = np.random.default_rng(seed).permutation(len(dataset))
    sample_bytes = 4 * dataset.spec.n_frames * dataset.spec.n_mels
    per_bucket = max(1, bucket_bytes // sample_bytes)
    place = folder.resolve()
    buckets = place.with_name(f".{place.name}-buckets")
    draft = Draft.like(dataset, name=name_at(dataset, folder))
    job = {"operation": "randomize", "from": dataset.checksum, "seed": seed}
    labels, origins, total = dataset.labels, dataset.origins(), 2 * len(dataset)
    try:
        with DatasetWriter(folder, draft, job=job, resume=resume) as writer:
            first = len(writer)
            _deal(dataset, order, per_bucket, buckets, lambda done: advance(done, total))
            for start in range(0, len(order), per_bucket):
                indices = order[start : start + per_bucket]
                if start + len(indices) > first:
                    rows = _gather(buckets / str(start // per_bucket), indices, dataset.spec.shape)
                    for number in range(max(first, start), start + len(indices)):
                        index = int(order[number])
                        writer.add(rows.features[rows.place[number - start]], int(labels[index]), origins[index])
                advance(len(dataset) + start + len(indices), total)
            return writer.finish(provenance=with_step(dataset, "randomize", seed=seed))
    finally:
        shutil.rmtree(buckets, ignore_errors=True)


class _Rows:
    """A bucket: its samples in the old order, and for each sample in the new order its index among them."""

    def __init__(self, features: Float32, place: NDArray[np.int64]) -> None:
        self.features = features
        self.place = place


def _deal(
    dataset: Dataset, order: NDArray[np.int64], per_bucket: int, buckets: Path, advance: Callable[[int], None]
) -> None:
    """Append each sample to the file of the bucket of its new position."""
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    try:
        shutil.rmtree(buckets, ignore_errors=True)
        buckets.mkdir(parents=True)
        for chunk in dataset.chunks():
            bucket_of = place[chunk.start : chunk.start + len(chunk.labels)] // per_bucket
            for bucket in np.unique(bucket_of).tolist():
                with (buckets / str(bucket)).open("ab") as file:
                    file.write(chunk.features[bucket_of == bucket].data)
            advance(chunk.start + len(chunk.labels))
    except OSError as error:
        raise DatasetError(
            f"{buckets} cannot be written: {error.strerror}. The dataset is unchanged.",
            hint="Shuffling temporarily needs twice the size of the dataset: make room.",
            code="dataset_write",
        ) from None


def _gather(bucket: Path, indices: NDArray[np.int64], shape: tuple[int, int]) -> _Rows:
    """Read a bucket. Its samples are in the order of their indices in the dataset."""
    features = np.fromfile(bucket, np.float32).reshape(-1, *shape)
    place = np.empty(len(indices), np.int64)
    place[np.argsort(indices)] = np.arange(len(indices))
    return _Rows(features, place)
