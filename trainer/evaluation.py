"""How well a bundle does on sound of one's own: audio folders or a compiled dataset."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec, Float32
from tidzam.bundle import Bundle, Manifest
from tidzam.clips import find_clips
from tidzam.dataset import open_dataset
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError
from tidzam.inference import open_onnx
from tidzam.labels import LabelTree
from trainer.answers import answer, clips_of
from trainer.data import check_features
from trainer.input.compiled import CompiledSource
from trainer.input.folders import FolderSource, Unreadable, scan
from trainer.input.source import Source
from trainer.measures import Measures, measure


@dataclass(frozen=True)
class Evaluation:
    """`data` tells what was measured on, for the card; `bad` are files that could not be read."""

    bundle: Bundle
    measures: Measures
    data: str
    bad: tuple[Unreadable, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "bundle": str(self.bundle.folder),
            "name": self.bundle.name,
            "data": self.data,
            "unreadable": [{"file": str(one.path), "reason": one.reason} for one in self.bad],
            **self.measures.to_dict(),
        }


def evaluate(bundle: Bundle, folder: Path, *, background: Collection[str] = (), overlap: float = 0.0) -> Evaluation:
    """Measure `bundle` on a folder of class folders, or on a compiled dataset.

    A class of the data counts as the classifier's class of that name, or as the one above it in either's label tree;
    those in `background` count as none of them. Raises DatasetError: `dataset_classes` if the data has a class that
    is neither, `dataset_features` if it was compiled for other
    features, or shorter windows.
    """
    manifest = bundle.manifest
    source, tree, data, bad = _open(folder, manifest.features)
    table = table_for(source.classes, manifest, tree, background)
    answers = answer(source, manifest.features, open_onnx(bundle.file("onnx")), overlap=overlap)
    clips = clips_of(source)[answers.strips]
    measures = measure(
        answers.targets(source, table), answers.outputs, manifest.classes, thresholds=manifest.thresholds, clips=clips
    )
    return Evaluation(bundle, measures, data, bad)


def _open(folder: Path, spec: FeatureSpec) -> tuple[Source, LabelTree, str, tuple[Unreadable, ...]]:
    if (folder / MANIFEST).is_file():
        dataset = open_dataset(folder)
        check_features(spec, dataset, folder)
        about = f"on the {len(dataset)} samples of dataset {dataset.manifest.name} (sha256 {dataset.checksum})"
        return CompiledSource(dataset, dataset.classes), dataset.manifest.labels, about, ()
    scanned = scan(find_clips(folder))
    if not scanned.pieces:
        raise DatasetError(f"No file in {folder} can be read.", hint=scanned.bad[0].reason)
    classes = tuple(sorted({piece.label for piece in scanned.pieces}))
    files = len({piece.path for piece in scanned.pieces})
    source = FolderSource(scanned.pieces, classes, spec, cache_bytes=0)  # each strip is looked at once
    return source, LabelTree.flat(classes), f"on the {files} files of {folder}", scanned.bad


def table_for(labels: Sequence[str], manifest: Manifest, tree: LabelTree, background: Collection[str] = ()) -> Float32:
    """The targets of each of the data's `labels`, shape (labels, the classifier's classes).

    Raises DatasetError (`dataset_classes`), naming the labels that are none of its classes, nor below one.
    """
    places = {label: _class_of(label, manifest, tree) for label in labels if label not in background}
    foreign = [label for label, place in places.items() if place is None]
    if foreign:
        raise DatasetError(
            f"{', '.join(foreign)}: not a class of {manifest.name}, which knows {', '.join(manifest.classes)}.",
            hint="Rename them, or name them with --background to count them as none of its classes.",
            code="dataset_classes",
        )
    table = np.zeros((len(labels), len(manifest.classes)), dtype=np.float32)
    for row, label in enumerate(labels):
        place = places.get(label)
        if place is not None:
            table[row, place] = 1
    return table


def _class_of(label: str, manifest: Manifest, tree: LabelTree) -> int | None:
    """The number of the deepest class of the classifier on the way to `label`."""
    for one in _ways(label, (manifest.labels, tree)):
        if one in manifest.classes:
            return manifest.classes.index(one)
    return None


def _ways(label: str, trees: Sequence[LabelTree]) -> Iterator[str]:
    yield label
    for tree in trees:
        if label in tree:
            yield from reversed(tree.path(label))


def show(values: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """The rows of a table of what `Evaluation.to_dict` gives: class, windows, threshold, and how well it is found."""
    names = ("threshold", "precision", "recall", "f1", "average_precision")
    for label, one in values["classes"].items():
        yield (label, str(one["examples"]), *("-" if one[name] is None else f"{one[name]:.3f}" for name in names))
