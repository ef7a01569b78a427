"""Evaluation of bundles on labeled audio: audio folders or a compiled dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, BundleManifest
from tidzam.clips import find_clips
from tidzam.dataset import open_dataset
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError
from tidzam.inference.engines import ALL_CORES
from tidzam.inference.loading import load_network
from tidzam.labels import LabelTree, clean_label
from tidzam.metrics import Metrics, compute_metrics
from tidzam.types import Float32
from trainer.data.compiled import CompiledSource
from trainer.data.folders import FolderSource, Unreadable, scan
from trainer.data.source import TrainingSource
from trainer.data.split import Subset
from trainer.data.tree import find_leaves
from trainer.evaluation.predictions import clips_of, predict_windows
from trainer.training_data import check_features


@dataclass(frozen=True)
class Evaluation:
    """The metrics of a bundle on some data.

    `data` describes the data for the model card. `bad` are files that cannot be read, `remarks` are lines about other
    files that were left out.
    """

    bundle: Bundle
    metrics: Metrics
    data: str
    bad: tuple[Unreadable, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `--json`."""
        return {
            "bundle": str(self.bundle.folder),
            "name": self.bundle.name,
            "data": self.data,
            "unreadable": [{"file": str(one.path), "reason": one.reason} for one in self.bad],
            **self.metrics.to_dict(),
        }


def evaluate(
    bundles: Sequence[Bundle], folder: Path, *, background: Collection[str] = (), overlap: float = 0.0
) -> list[Evaluation]:
    """Evaluate one bundle, or each of a cascade, on a folder of class folders or on a compiled dataset.

    A class of the data counts as the classifier's class of that name, or of its nearest parent in the label tree of
    the cascade or of the data; with a cascade, nested folders are such a tree. Classes in `background` count as
    background. An expert is evaluated only on audio of its own classes, as it runs only there; without such audio it
    is left out. Raises DatasetError: `dataset_classes` if no bundle has a class of the data, `dataset_features` if
    the data were compiled with other features or shorter windows.
    """
    tree = reduce(LabelTree.merged, (bundle.manifest.labels_in_cascade for bundle in bundles))
    specs = {bundle.manifest.feature_spec for bundle in bundles}
    opened = {spec: _open(folder, spec, nested=len(bundles) > 1) for spec in specs}
    found = []
    for bundle in bundles:
        data = opened[bundle.manifest.feature_spec]
        _refuse_foreign(data, bundles, tree, background)
        table = table_for(data.source.classes, bundle.manifest, (tree, data.tree), background)
        source = data.source
        if any(bundle.name in other.manifest.classes for other in bundles if other is not bundle):
            source = Subset(source, np.flatnonzero(table[source.labels].any(axis=1)))
        if len(source):
            metrics = _measure(bundle, source, table, overlap)
            found.append(Evaluation(bundle, metrics, data.about(source), data.bad, data.remarks))
    return found


def _measure(bundle: Bundle, source: TrainingSource, table: Float32, overlap: float) -> Metrics:
    manifest = bundle.manifest
    predictions = predict_windows(
        source, manifest.feature_spec, load_network(bundle, threads=ALL_CORES).predict, overlap=overlap
    )
    return compute_metrics(
        predictions.targets(source, table),
        predictions.outputs,
        manifest.classes,
        thresholds=manifest.thresholds,
        clips=clips_of(source)[predictions.sequences],
    )


@dataclass(frozen=True)
class _EvaluationData:
    """The data of an evaluation. `name` describes them; `files` is False for a compiled dataset."""

    source: TrainingSource
    tree: LabelTree
    name: str
    files: bool
    bad: tuple[Unreadable, ...] = ()
    remarks: tuple[str, ...] = ()

    def about(self, source: TrainingSource) -> str:
        """A description of `source`, which is all or a part of the data."""
        if not self.files:
            return f"on the {len(source)} samples of {self.name}"
        return f"on the {len({source.origin(k).file for k in range(len(source))})} files of {self.name}"


def _open(folder: Path, spec: FeatureSpec, *, nested: bool) -> _EvaluationData:
    if (folder / MANIFEST).is_file():
        dataset = open_dataset(folder)
        check_features(spec, dataset, folder)
        if not len(dataset):
            raise DatasetError(f"Dataset {folder} has no samples.", hint="Add samples, or choose another dataset.")
        name = f"dataset {dataset.manifest.name} (sha256 {dataset.checksum})"
        return _EvaluationData(CompiledSource(dataset, dataset.classes), dataset.manifest.labels, name, files=False)
    tree: LabelTree | None = None
    if nested:
        clips, tree = find_leaves(folder)
    else:
        clips = find_clips(folder)
    scanned = scan(clips)
    if not scanned.segments:
        raise DatasetError(f"No file in {folder} can be read.", hint=scanned.bad[0].reason)
    classes = tuple(sorted({segment.label for segment in scanned.segments}))
    source = FolderSource(scanned.segments, classes, spec, cache_bytes=0)  # each sequence is read once
    return _EvaluationData(
        source, tree or LabelTree.flat(classes), str(folder), files=True, bad=scanned.bad, remarks=clips.remarks
    )


def _refuse_foreign(
    data: _EvaluationData, bundles: Sequence[Bundle], tree: LabelTree, background: Collection[str]
) -> None:
    trees, background = (tree, data.tree), set(map(clean_label, background))
    labels = [label for label in data.source.classes if label not in background]
    foreign = [label for label in labels if all(_class_of(label, one.manifest, trees) is None for one in bundles)]
    if foreign:
        known = "; ".join(f"{one.name} has {', '.join(one.manifest.classes)}" for one in bundles)
        raise DatasetError(
            f"The data have unknown classes: {', '.join(foreign)}. {known}.",
            hint="Rename them, or count them as background with --background.",
            code="dataset_classes",
        )


def table_for(
    labels: Sequence[str], manifest: BundleManifest, trees: Sequence[LabelTree], background: Collection[str] = ()
) -> Float32:
    """The targets of each of the data's `labels`, float32 (labels, classes of the classifier)."""
    table, background = np.zeros((len(labels), len(manifest.classes)), np.float32), set(map(clean_label, background))
    for row, label in zip(table, labels, strict=True):
        number = None if label in background else _class_of(label, manifest, trees)
        if number is not None:
            row[number] = 1
    return table


def _class_of(label: str, manifest: BundleManifest, trees: Sequence[LabelTree]) -> int | None:
    """The number of the deepest class of the classifier on the path to `label`; None if there is none."""
    for one in _path_to(label, trees):
        if one in manifest.classes:
            return manifest.classes.index(one)
    return None


def _path_to(label: str, trees: Sequence[LabelTree]) -> Iterator[str]:
    yield label
    for tree in trees:
        if label in tree:
            yield from reversed(tree.path(label))
