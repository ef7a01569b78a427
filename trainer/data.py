"""What a training learns from and is measured on: audio folders or compiled datasets, opened and checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec, Float32
from tidzam.clips import Clip, find_clips, find_files, group_of
from tidzam.dataset import Dataset, open_dataset, require_same_features
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from trainer.input.batches import Batches
from trainer.input.compiled import CompiledSource
from trainer.input.folders import FolderSource, Unreadable, scan
from trainer.input.source import BACKGROUND, Source
from trainer.input.split import Joined, split
from trainer.input.tree import find_leaves
from trainer.options import Options
from trainer.training_file import TrainingFile

Say = Callable[[str], None]


@dataclass(frozen=True)
class Data:
    """Both sides of a training, of the same classes. `spec` is the classifier's; `provenance` tells what they are."""

    train: Source
    test: Source
    spec: FeatureSpec
    tree: LabelTree | None
    provenance: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes


def make_batches(data: Data, training: TrainingFile, table: Float32) -> Batches:
    """The batches of a training on `data`, for outputs as `table` says."""
    return Batches(
        data.train,
        data.spec,
        training.steps,
        size=training.batch_size,
        seed=training.seed,
        draw=training.draw,
        exclusive=training.exclusive,
        table=table,
    )


def open_data(options: Options, say: Say) -> Data:
    """Open what `options` name. What cannot be read is told, counted and left out; with `strict` it ends all.

    Raises DatasetError if the data cannot be used, or does not go together.
    """
    return _Reader(options, say).read()


class _Reader:
    """Opens folders, and keeps account of what it met in them."""

    def __init__(self, options: Options, say: Say) -> None:
        self._options, self._training, self._say = options, options.training, say
        self._bad: list[Unreadable] = []
        self._rates_hz: set[int] = set()
        self._checksums: dict[str, str] = {}

    def read(self) -> Data:
        first, tree = self._open(self._options.dataset_train)
        labels = _labels_of(first)
        background = [name for name in self._training.background if name in labels]
        classes = tuple(label for label in labels if label not in background)
        base = first.spec if isinstance(first, Dataset) else FeatureSpec()
        spec = self._training.features.over(base)
        train = self._source(self._options.dataset_train, first, classes, spec)
        test = self._test(classes, background, spec)
        under = [self._background(name, classes, spec) for name in self._training.background if name not in background]
        if test is None:
            train, test = split(train)
        if under:
            train = Joined((train, *under))
        self._report(train, test, spec)
        _check(train, test, self._training)
        return Data(train, test, spec, tree, self._provenance(train, test))

    def _open(self, folder: Path) -> tuple[Dataset | list[Clip], LabelTree | None]:
        """What is in `folder`, and the label tree: the training file's, or else that of the data."""
        tree = self._training.labels
        if (folder / MANIFEST).is_file():
            dataset = open_dataset(folder)
            self._checksums[str(folder)] = dataset.checksum
            return dataset, dataset.manifest.labels if tree is None else tree
        if self._options.expert and tree is None:
            return find_leaves(folder)
        return find_clips(folder), tree

    def _source(self, folder: Path, opened: Dataset | list[Clip], classes: Sequence[str], spec: FeatureSpec) -> Source:
        if isinstance(opened, Dataset):
            check_features(spec, opened, folder)
            return CompiledSource(opened, classes)
        scanned = scan(opened)
        self._bad += scanned.bad
        self._rates_hz |= scanned.rates_hz
        processes = max(1, self._options.batch_workers)
        return FolderSource(scanned.pieces, classes, spec, cache_bytes=(self._options.cache_mb << 20) // processes)

    def _test(self, classes: Sequence[str], background: Sequence[str], spec: FeatureSpec) -> Source | None:
        folder = self._options.dataset_test
        if folder is None:
            return None
        opened, _ = self._open(folder)
        foreign = sorted(set(_labels_of(opened)) - {*classes, *background})
        if foreign:
            raise DatasetError(
                f"{folder} holds classes that are not trained: {', '.join(foreign)}.",
                hint=f"The classes are {', '.join(classes)}.",
                code="dataset_classes",
            )
        return self._source(folder, opened, classes, spec)

    def _background(self, name: str, classes: Sequence[str], spec: FeatureSpec) -> Source:
        """A folder of sound of no class."""
        folder = Path(name)
        if not folder.is_dir():
            raise DatasetError(
                f"The background {name!r} is neither a class nor a folder.",
                hint="Name a class of the data, or a folder of sound.",
                field="background",
            )
        clips = [Clip(path, "", group_of(path)) for path in find_files(folder)]
        return self._source(folder, clips, classes, spec)

    def _report(self, train: Source, test: Source, spec: FeatureSpec) -> None:
        for one in self._bad:
            self._say(f"skipped: {one.reason}")
        if self._bad and self._options.strict:
            raise DatasetError(
                f"{len(self._bad)} files cannot be read, and --strict asks for all.",
                hint="Replace them, or leave --strict out.",
                code="dataset_unreadable",
            )
        if self._rates_hz - {spec.rate_hz}:
            rates = ", ".join(map(str, sorted(self._rates_hz)))
            self._say(f"sound at {rates} Hz is brought to {spec.rate_hz} Hz")
        self._say(
            f"{len(train.classes)} classes, {_count(train)} strips to train on, {_count(test)} to validate with, "
            f"{np.sum(train.labels == BACKGROUND)} of background; {len(self._bad)} files could not be read"
        )
        untested = [label for k, label in enumerate(train.classes) if k not in test.labels]
        if untested and len(test):
            self._say(f"nothing validates {', '.join(untested)}: give two recordings or more of each")

    def _provenance(self, train: Source, test: Source) -> dict[str, Any]:
        return {
            "data": {
                "train": str(self._options.dataset_train),
                "validation": str(self._options.dataset_test or "a fifth of it, by recordings"),
                "sha256": self._checksums,
            },
            "clips": {"train": _count(train), "validation": _count(test), "bad": len(self._bad)},
        }


def _labels_of(opened: Dataset | list[Clip]) -> tuple[str, ...]:
    if isinstance(opened, Dataset):
        return opened.classes
    return tuple(sorted({clip.label for clip in opened}))


def _count(source: Source) -> int:
    return int(np.sum(source.labels != BACKGROUND))


def check_features(spec: FeatureSpec, dataset: Dataset, folder: Path) -> None:
    """A sample must have been made as the classifier's windows are, and hold one of them."""
    require_same_features(spec, dataset.spec, names=("the classifier", str(folder)), but=("window_s",))
    if spec.n_frames > dataset.spec.n_frames:
        raise DatasetError(
            f"The classifier's window has {spec.window_s:g} s; samples of {folder} have {dataset.spec.window_s:g} s.",
            hint="Shorten window_s, or compile the dataset again with a longer one.",
            code="dataset_features",
        )


def _check(train: Source, test: Source, training: TrainingFile) -> None:
    classes = train.classes
    unknown = sorted(set(training.exclusive) - set(classes))
    if unknown:
        raise DatasetError(
            f"--exclusive names {', '.join(unknown)}.", hint=f"The classes are {', '.join(classes)}.", field="exclusive"
        )
    missing = [label for k, label in enumerate(classes) if k not in train.labels]
    if missing:
        raise DatasetError(
            f"There is nothing of {', '.join(missing)} that can be read.", hint="Add sound of them, or leave them out."
        )
    if len(classes) < 2 and (BACKGROUND not in train.labels or training.activation == "softmax"):
        raise DatasetError(
            f"There is only one class: {', '.join(classes)!r}.",
            hint="Add a folder of what it is to be told from (or, with sigmoid, of background).",
        )
    if not _count(test):
        raise DatasetError(
            "There is nothing to validate with: each class has one recording.",
            hint="Add recordings, or name --dataset-test.",
        )
