"""Reading a dataset: labels in memory, features read from the shards in any order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset.arrays import (
    FEATURES,
    IS_LINK,
    LABELS,
    are_levels,
    level_fault,
    open_array,
    os_reason,
    read_array,
    unusable,
)
from tidzam.dataset.manifest import CHECKSUM, ORIGINS, SHARDS, DatasetManifest, Shard, read_manifest
from tidzam.dataset.origins import Origins, read_origins
from tidzam.errors import DatasetError
from tidzam.manifest_fields import FileEntry
from tidzam.types import Float32

Int32 = NDArray[np.int32]

_Place = tuple[int, int]
"""The number of a sample's shard, and the sample's row in it."""

OPEN_SHARDS = 512
"""Maximum number of open files: a process may have 1024."""

MAX_PREFETCHED = 1 << 16
"""Maximum number of samples that are prefetched (POSIX_FADV_WILLNEED) and not read yet."""


@dataclass(frozen=True)
class Chunk:
    """One shard in memory: features (n, frames, mels) in dB, labels (n,), the first being sample `start`."""

    start: int
    features: Float32
    labels: Int32


class Dataset:
    """An open dataset. If it is replaced on disk, further reads raise DatasetError (`dataset_changed`)."""

    def __init__(self, folder: Path, manifest: DatasetManifest, checksum: str) -> None:
        self.folder = folder
        self.manifest = manifest
        self.checksum = checksum
        self._edges = np.cumsum([0, *(shard.samples for shard in manifest.shards)])
        self._open: dict[int, _OpenShard] = {}
        self._prefetched: set[_Place] = set()

    def __len__(self) -> int:
        return int(self._edges[-1])

    @property
    def name(self) -> str:
        return self.manifest.name

    @property
    def spec(self) -> FeatureSpec:
        """The specification of its features; the window is the length of a sample."""
        return self.manifest.features

    @property
    def classes(self) -> tuple[str, ...]:
        return self.manifest.classes

    @cached_property
    def labels(self) -> Int32:
        """The class of each sample, int32 (n,), index into `classes`."""
        return np.concatenate([np.empty(0, np.int32), *self.shard_labels()])

    def shard_labels(self) -> Iterator[Int32]:
        """The labels, shard by shard."""
        return (self._labels_of(shard) for shard in self.manifest.shards)

    @cached_property
    def _origins(self) -> Origins:
        return read_origins(self.folder / ORIGINS, len(self))

    def origins(self) -> Origins:
        """Where each sample comes from."""
        return self._origins

    @cached_property
    def groups(self) -> Sequence[str]:
        """The recording that each sample comes from, (n,)."""
        return self._origins.groups

    def features(self, indices: ArrayLike) -> Float32:
        """The samples with those numbers, in that order, float32 (k, frames, mels) in dB.

        All are requested from the kernel first, so that the disk reads them in parallel; `prefetch` does so earlier.
        Raises IndexError if there is no such sample.
        """
        places = self._places(indices)
        self._tell(places)
        found = np.empty((len(places), *self.spec.shape), dtype=np.float32)
        for sample, (shard, row) in zip(found, places, strict=True):
            self._shard(shard).read(row, sample)
        if not are_levels(found):
            shard, row = next(place for sample, place in zip(found, places, strict=True) if not are_levels(sample))
            raise unusable(
                self._shard(shard).path, f"its sample {row:,} holds values that are not finite, or are not levels in dB"
            )
        self._prefetched.difference_update(places)
        return found

    def prefetch(self, indices: ArrayLike) -> None:
        """Have the kernel start reading samples that will be needed soon, and return without waiting."""
        self._tell(self._places(indices))

    def _tell(self, places: Sequence[_Place]) -> None:
        if len(self._prefetched) > MAX_PREFETCHED:  # of samples that were not read after all
            self._prefetched.clear()
        for place in places:
            if place not in self._prefetched:
                shard, row = place
                self._shard(shard).will_need(row)
        self._prefetched.update(places)

    def chunks(self, *, first: int = 0) -> Iterator[Chunk]:
        """All samples in order, shard by shard; one shard is in memory at a time.

        Shards that end before sample `first` are left out.
        """
        for shard, start in zip(self.manifest.shards, self._edges.tolist(), strict=False):
            if start + shard.samples > first:
                self._require_unchanged()
                path = self._path(shard.features.name)
                features = read_array(path, FEATURES, (shard.samples, *self.spec.shape))
                if fault := level_fault(features):
                    raise unusable(path, fault)
                yield Chunk(start, features, self._labels_of(shard))

    def _places(self, indices: ArrayLike) -> list[_Place]:
        """The shard of each sample, and its row there."""
        wanted = np.atleast_1d(np.asarray(indices, dtype=np.int64))
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"samples {wanted.min()} to {wanted.max()} of {len(self)}")
        numbers = np.searchsorted(self._edges, wanted, side="right") - 1
        rows = wanted - self._edges[numbers]
        return list(zip(numbers.tolist(), rows.tolist(), strict=True))

    def _shard(self, number: int) -> _OpenShard:
        """Shard `number`, opened if necessary; the one opened first is closed if there are too many."""
        if number not in self._open:
            self._require_unchanged()
            stated = self.manifest.shards[number]
            if len(self._open) >= OPEN_SHARDS:
                del self._open[next(iter(self._open))]
            self._open[number] = _OpenShard(self._path(stated.features.name), (stated.samples, *self.spec.shape))
        return self._open[number]

    def _require_unchanged(self) -> None:
        """Raise DatasetError if another dataset has taken this one's place: its files must not be mixed with these."""
        try:
            same = (self.folder / CHECKSUM).read_text(encoding="ascii").startswith(self.checksum)
        except (OSError, UnicodeDecodeError):
            same = False
        if not same:
            raise DatasetError(
                f"{self.folder} was replaced while it was read.", hint="Start again.", code="dataset_changed"
            )

    def _labels_of(self, shard: Shard) -> Int32:
        path = self._path(shard.labels.name)
        labels: Int32 = read_array(path, LABELS, (shard.samples,))
        if fault := label_fault(labels, len(self.classes)):
            raise unusable(path, fault)
        return labels

    def _path(self, name: str) -> Path:
        return self.folder / SHARDS / name


class _OpenShard:
    """The features of a shard, read sample by sample.

    Read, not mapped: of a dataset that does not fit into memory, faulting pages in costs about twice the processor
    time of reading them, and of one that does fit, there is no difference.
    """

    def __init__(self, path: Path, shape: tuple[int, ...]) -> None:
        self.path = path
        self._row_bytes = 4 * shape[1] * shape[2]
        self._file, self._offset = open_array(path, FEATURES, shape)
        os.posix_fadvise(self._file.fileno(), 0, 0, os.POSIX_FADV_RANDOM)  # no read-ahead

    def will_need(self, row: int) -> None:
        """Have the kernel start reading a sample."""
        place = self._offset + row * self._row_bytes
        os.posix_fadvise(self._file.fileno(), place, self._row_bytes, os.POSIX_FADV_WILLNEED)

    def read(self, row: int, into: Float32) -> None:
        """Read a sample into an array (frames, mels)."""
        try:
            count = os.preadv(self._file.fileno(), [into.data], self._offset + row * self._row_bytes)
        except OSError as error:
            raise unusable(self.path, os_reason(error)) from None
        if count != self._row_bytes:
            raise unusable(self.path, "it is cut short")


def label_fault(labels: Int32, classes: int) -> str:
    """The fault in the labels of a shard, as a clause; empty if there is none."""
    low, high = int(labels.min()), int(labels.max())
    return "" if 0 <= low <= high < classes else f"it holds labels {low} to {high}, expected 0 to {classes - 1}"


def open_dataset(folder: Path) -> Dataset:
    """Open a dataset: verifies its manifest, and that its shards exist and have the kind, shape and size that it
    states. `verify` also reads them.

    Raises DatasetError: `dataset_missing`, `dataset_version`, `dataset_manifest`, `dataset_shard`.
    """
    manifest, checksum = read_manifest(folder)
    home = folder / SHARDS
    if home.is_symlink():
        raise unusable(home, IS_LINK)
    for shard in manifest.shards:
        for entry, kind, shape in parts_of(shard, manifest):
            path = home / entry.name
            file, _ = open_array(path, kind, shape)
            with file:
                size = os.fstat(file.fileno()).st_size
            if size != entry.size_bytes:
                raise unusable(path, f"it has {size:,} bytes, expected {entry.size_bytes:,}")
    return Dataset(folder, manifest, checksum)


def parts_of(shard: Shard, manifest: DatasetManifest) -> tuple[tuple[FileEntry, str, tuple[int, ...]], ...]:
    """The two files of a shard, with the kind and shape that each must have."""
    features = (shard.features, FEATURES, (shard.samples, *manifest.features.shape))
    return features, (shard.labels, LABELS, (shard.samples,))
