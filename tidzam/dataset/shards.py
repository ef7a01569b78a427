"""The pair of files of a shard: written with their checksums, or linked from another dataset."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.dataset.manifest import SHARDS, Shard
from tidzam.manifest_fields import FileEntry
from tidzam.types import Float32


def write_shard(folder: Path, number: int, features: Float32, labels: NDArray[np.int32]) -> Shard:
    """Write shard `number` of the dataset in `folder`: features (n, frames, mels), labels (n,). Raises OSError."""
    home = folder / SHARDS
    return Shard(
        samples=len(labels),
        features=_write_array(home / f"{number:05d}.features.npy", features),
        labels=_write_array(home / f"{number:05d}.labels.npy", labels),
    )


def link_shard(source: Path, shard: Shard, folder: Path, number: int, labels: NDArray[np.int32] | None = None) -> Shard:
    """Make a shard of the dataset `source` shard `number` of `folder`, with other `labels` if given. Raises OSError.

    A hard link where possible, since shards never change; else a copy. The checksum is kept.
    """
    home = folder / SHARDS
    features = _link(source / SHARDS, shard.features, home / f"{number:05d}.features.npy")
    target = home / f"{number:05d}.labels.npy"
    entry = _link(source / SHARDS, shard.labels, target) if labels is None else _write_array(target, labels)
    return Shard(samples=shard.samples, features=features, labels=entry)


def _write_array(path: Path, values: NDArray[Any]) -> FileEntry:
    """Write an .npy file. Its checksum is computed from memory, so that it reveals errors of the disk."""
    values = np.ascontiguousarray(values)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, np.lib.format.header_data_from_array_1_0(values))
    digest = hashlib.sha256(header.getvalue())
    digest.update(values.data)
    path.unlink(missing_ok=True)  # it may be a link to a file of another dataset
    with path.open("wb") as file:
        file.write(header.getvalue())
        file.write(values.data)
    return FileEntry(name=path.name, sha256=digest.hexdigest(), size_bytes=len(header.getvalue()) + values.nbytes)


def _link(source: Path, entry: FileEntry, target: Path) -> FileEntry:
    target.unlink(missing_ok=True)
    try:
        os.link(source / entry.name, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source / entry.name, target)
    return entry.model_copy(update={"name": target.name})
