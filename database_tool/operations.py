"""Operations on compiled datasets. Each writes a new dataset, which replaces the old one when it is complete.

Unchanged shards are linked, not copied. Memory holds one shard at a time.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from database_tool.partition import Sides, count_units
from database_tool.provenance import with_step
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Dataset, DatasetWriter, Draft, Origin, open_dataset, require_same_features
from tidzam.dataset.reader import Int32
from tidzam.dataset.writer import SHARD_BYTES
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree, require_label
from tidzam.progress import Progress, no_progress
from tidzam.types import Float32

COPY_BATCH = 1024
DELETED = -1


def merge(dataset: Dataset, others: Sequence[Dataset], folder: Path, *, as_class: str | None = None) -> Dataset:
    """Write the samples of `dataset` and then those of `others`, as one class if `as_class` is given, to `folder`.

    Raises DatasetError if features differ, BundleError if two label trees contradict each other.
    """
    as_class = require_label(as_class) if as_class else None
    for other in others:
        require_same_features(dataset.spec, other.spec, names=(dataset.name, other.name))
    labels = dataset.manifest.labels
    for other in others:
        labels = labels.merged(other.manifest.labels if as_class is None else LabelTree.flat((as_class,)))
    named = [(as_class,)] if as_class else [other.classes for other in others]
    classes = tuple(dict.fromkeys([*dataset.classes, *(label for labels in named for label in labels)]))
    index = {label: number for number, label in enumerate(classes)}
    draft = Draft(name=name_at(dataset, folder), spec=dataset.spec, classes=classes, labels=labels)
    with DatasetWriter(folder, draft) as writer:
        writer.link(dataset)
        for other in others:
            numbers = np.array([index[as_class or label] for label in other.classes], np.int32)
            writer.link(other, numbers[other.labels])
        merged = [{"name": other.name, "checksum": other.checksum} for other in others]
        return writer.finish(provenance=with_step(dataset, "merge", others=merged, as_class=as_class))


def split(
    dataset: Dataset,
    folders: Sequence[Path],
    sides: Sides,
    *,
    details: Mapping[str, Any],
    resume: bool = False,
    advance: Progress = no_progress,
) -> list[Dataset]:
    """Write the samples of side k to `folders[k]`. The dataset's own folder may be the last one.

    With `resume`, sides that are complete are kept.
    """
    size = min(SHARD_BYTES, 4 * SHARD_BYTES // len(folders))
    origins, job = dataset.origins(), {"operation": "split", "from": dataset.checksum, **details}
    finished = {side: side_at(dataset, folder, side, details) for side, folder in enumerate(folders) if resume}
    done = {side: found for side, found in finished.items() if found is not None}
    with ExitStack() as stack:
        writers = {
            side: stack.enter_context(
                DatasetWriter(
                    folder, Draft.like(dataset, name=name_at(dataset, folder)), job=job, resume=resume, shard_bytes=size
                )
            )
            for side, folder in enumerate(folders)
            if side not in done
        }
        next_of = {side: _next(writer) for side, writer in writers.items()}
        for chunk in dataset.chunks(first=min(next_of.values(), default=len(dataset))):
            for row, label in enumerate(chunk.labels.tolist()):
                number = chunk.start + row
                side = int(sides[number])
                if side in writers and number >= next_of[side]:
                    writers[side].add(chunk.features[row], label, origins[number], mark=number)
            advance(chunk.start + len(chunk.labels), len(dataset))
        for side, writer in writers.items():
            done[side] = writer.finish(provenance=with_step(dataset, "split", side=side, **details))
    return [done[side] for side in range(len(folders))]


def balance(
    dataset: Dataset, folder: Path, *, seed: int, resume: bool = False, advance: Progress = no_progress
) -> Dataset:
    """Append copies of samples of small classes, until all classes have as many samples as the largest.

    All samples of a class are copied equally often, except for the last round, which is drawn by `seed`. An empty
    class stays empty. `copies` returns how many copies that makes.
    """
    made = copies(dataset)
    draw = np.random.default_rng(seed)
    chosen = []
    for number, label in enumerate(dataset.classes):
        own = np.flatnonzero(dataset.labels == number)
        if len(own):
            rounds, rest = divmod(made[label], len(own))
            chosen += [*[own] * rounds, np.sort(draw.permutation(own)[:rest])]
    indices = np.concatenate(chosen) if chosen else np.empty(0, np.int64)
    origins = dataset.origins()
    job = {"operation": "balance", "from": dataset.checksum, "seed": seed}
    with DatasetWriter(folder, Draft.like(dataset, name=name_at(dataset, folder)), job=job, resume=resume) as writer:
        if not len(writer):
            writer.link(dataset)
        for start in range(_next(writer), len(indices), COPY_BATCH):
            batch = indices[start : start + COPY_BATCH]
            for row, features in enumerate(dataset.features(batch)):
                index = int(batch[row])
                writer.add(features, int(dataset.labels[index]), origins[index], mark=start + row)
            advance(start + len(batch), len(indices))
        return writer.finish(provenance=with_step(dataset, "balance", seed=seed, copies=made))


def copies(dataset: Dataset) -> dict[str, int]:
    """The number of copies that `balance` makes, per class."""
    counts = dataset.manifest.counts
    largest = max(counts.values())
    return {label: largest - counts[label] if counts[label] else 0 for label in dataset.classes}


def relabel(
    dataset: Dataset,
    labels: Int32,
    folder: Path,
    *,
    classes: Sequence[str],
    tree: LabelTree,
    added: Sequence[tuple[Float32, int, Origin]] = (),
    operation: str = "relabel",
    details: Mapping[str, Any] | None = None,
    advance: Progress = no_progress,
) -> Dataset:
    """Write the samples with other labels, (n,) indices into `classes`; samples labeled DELETED are left out.

    Names and order of the classes and the tree may change, too. The samples `added` are appended: their features
    (frames, mels) in dB, label and origin.
    """
    if len(labels) != len(dataset):
        raise ValueError(f"{len(labels)} labels for {len(dataset)} samples")
    draft = Draft(name=name_at(dataset, folder), spec=dataset.spec, classes=tuple(classes), labels=tree)
    with DatasetWriter(folder, draft) as writer:
        if (labels != DELETED).all():
            writer.link(dataset, None if np.array_equal(labels, dataset.labels) else labels)
        else:
            origins = dataset.origins()
            for chunk in dataset.chunks():
                for row, features in enumerate(chunk.features):
                    number = chunk.start + row
                    if labels[number] != DELETED:
                        writer.add(features, int(labels[number]), origins[number])
                advance(chunk.start + len(chunk.labels), len(dataset))
        for features, label, origin in added:
            if label != DELETED:
                writer.add(features, label, origin)
        return writer.finish(provenance=with_step(dataset, operation, **(details or {})))


def begin(folder: Path, label: str) -> Dataset:
    """Make a dataset with default features and one class, which is empty."""
    label = require_label(label)
    draft = Draft(name=folder.absolute().name, spec=FeatureSpec(), classes=(label,), labels=LabelTree.flat((label,)))
    with DatasetWriter(folder, draft) as writer:
        return writer.finish(provenance=with_step(None, "add class", **{"class": label}))


def add_class(dataset: Dataset, label: str) -> Dataset:
    """Add an empty class. Raises DatasetError if there is one of that name."""
    label = require_label(label)
    if label in dataset.classes:
        raise DatasetError(f"{dataset.name} already has a class {label!r}.", code="dataset_labels")
    return relabel(
        dataset,
        dataset.labels,
        dataset.folder,
        classes=(*dataset.classes, label),
        tree=dataset.manifest.labels.merged(LabelTree.flat((label,))),
        operation="add class",
        details={"class": label},
    )


def rename(dataset: Dataset, folder: Path) -> Dataset:
    """Move the dataset to `folder` and name it after it. Raises DatasetError if `folder` exists."""
    if folder.exists():
        raise DatasetError(f"{folder} already exists.", hint="Choose another name.", code="dataset_place")
    old = dataset.folder
    with DatasetWriter(folder, Draft.like(dataset, name=folder.name)) as writer:
        writer.link(dataset)
        manifest = dataset.manifest
        renamed = writer.finish(
            provenance=with_step(dataset, "rename", old=dataset.name), statistics=manifest.statistics
        )
    shutil.rmtree(old.resolve())
    old.unlink(missing_ok=True)  # the dataset was given by a symbolic link
    return renamed


def with_statistics(dataset: Dataset, *, advance: Progress = no_progress) -> Dataset:
    """Record statistics in the manifest: mean and deviation in dB per mel band, and recordings per class."""
    count, total = 0, np.zeros(dataset.spec.n_mels)
    squares, low, high = np.zeros(dataset.spec.n_mels), np.inf, -np.inf
    for chunk in dataset.chunks():
        frames = chunk.features.reshape(-1, dataset.spec.n_mels)
        count += len(frames)
        total += frames.sum(axis=0, dtype=np.float64)
        squares += np.einsum("ij,ij->j", frames, frames, dtype=np.float64)
        low, high = min(low, float(frames.min())), max(high, float(frames.max()))
        advance(chunk.start + len(chunk.labels), len(dataset))
    if not count:
        raise DatasetError(f"{dataset.name} has no samples to measure.", code="dataset_empty")
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    measured = {
        "lowest_db": low,
        "highest_db": high,
        "mean_db": [round(float(value), 4) for value in mean],
        "deviation_db": [round(float(value), 4) for value in deviation],
        "recordings": recordings(dataset),
    }
    with DatasetWriter(dataset.folder, Draft.like(dataset)) as writer:
        writer.link(dataset)
        return writer.finish(provenance=dataset.manifest.provenance, statistics=measured)


def recordings(dataset: Dataset) -> dict[str, int]:
    """The number of recordings per class."""
    counts = count_units(dataset.groups, dataset.labels, n_classes=len(dataset.classes))
    return dict(zip(dataset.classes, counts, strict=True))


def _next(writer: DatasetWriter) -> int:
    """The index of the sample to continue with, where marks are sample indices."""
    mark, of_mark = writer.position
    return mark + 1 if of_mark else mark


def side_at(dataset: Dataset, folder: Path, side: int, details: Mapping[str, Any]) -> Dataset | None:
    """The dataset at `folder` if it is that side of this split, complete; else None."""
    try:
        found = open_dataset(folder)
    except DatasetError:
        return None
    return found if found.manifest.provenance == with_step(dataset, "split", side=side, **details) else None


def name_at(dataset: Dataset, folder: Path) -> str:
    """The name of the result: that of the dataset in its own folder, else the name of `folder`."""
    return dataset.name if folder.resolve() == dataset.folder.resolve() else folder.name
