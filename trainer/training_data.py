"""The data of a training: audio folders or compiled datasets, opened, checked and split."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec
from tidzam.audio.folder_walk import remarks, walk
from tidzam.clips import Clip, find_clips, group_of
from tidzam.dataset import Dataset, open_dataset, require_same_features
from tidzam.dataset.manifest import MANIFEST
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree, clean_label
from tidzam.progress import Say
from tidzam.types import Float32
from trainer.data.batches import Batches
from trainer.data.compiled import CompiledSource
from trainer.data.folders import FolderSource, ScannedClips, Unreadable, scan
from trainer.data.source import BACKGROUND, TrainingSource
from trainer.data.split import JoinedSource, split
from trainer.data.tree import find_leaves
from trainer.options import TrainingOptions
from trainer.training_file import TrainingFile

LEFT_OUT = "classes_left_out"
"""The key in a bundle's provenance for classes that were declared but have no readable audio."""


@dataclass(frozen=True)
class TrainingData:
    """Training and validation data of the same classes.

    `spec` describes the features of the classifier, `provenance` the data for the bundle's manifest.
    """

    train: TrainingSource
    test: TrainingSource
    spec: FeatureSpec
    tree: LabelTree | None
    provenance: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        return self.train.classes


def make_batches(data: TrainingData, training: TrainingFile, table: Float32) -> Batches:
    """The batches of a training on `data`; `table`, float32 (classes, outputs), has the targets of each class."""
    return Batches(
        data.train,
        data.spec,
        training.augmentations,
        size=training.batch_size,
        seed=training.seed,
        draw=training.draw,
        exclusive=training.exclusive,
        table=table,
    )


def open_data(options: TrainingOptions, say: Say) -> TrainingData:
    """Open the data that `options` name. Unreadable files are reported, counted and skipped, or refused with `strict`.

    Raises DatasetError if the data cannot be used, or contradict each other.
    """
    return _Reader(options, say).read()


@dataclass(frozen=True)
class _Opened:
    """The content of a folder: its declared classes, those with readable audio, and their tree."""

    content: Dataset | ScannedClips
    labels: tuple[str, ...]
    filled: Collection[str]
    tree: LabelTree | None


class _Reader:
    """Opens folders, and collects what is to be reported about them."""

    def __init__(self, options: TrainingOptions, say: Say) -> None:
        self._options, self._training, self._say = options, options.training, say
        self._bad: list[Unreadable] = []
        self._rates_hz: set[int] = set()
        self._checksums: dict[str, str] = {}
        self._left_out: tuple[str, ...] = ()

    def read(self) -> TrainingData:
        first = self._open(self._options.dataset_train)
        background = [name for name in map(clean_label, self._training.background) if name in first.labels]
        declared = [label for label in first.labels if label not in background]
        classes = tuple(label for label in declared if label in first.filled)
        self._leave_out([label for label in declared if label not in classes])
        base = first.content.spec if isinstance(first.content, Dataset) else FeatureSpec()
        spec = self._training.features.over(base)
        train = self._source(self._options.dataset_train, first.content, classes, spec)
        test = self._test(classes, background, spec)
        folders = [name for name in self._training.background if clean_label(name) not in background]
        under = [self._background(name, classes, spec) for name in folders]
        if test is None:
            train, test = split(train)
        if under:
            train = JoinedSource((train, *under))
        self._report(train, test, spec)
        _check(train, test, self._training, self._left_out)
        return TrainingData(train, test, spec, first.tree, self._provenance(train, test))

    def _open(self, folder: Path) -> _Opened:
        """Open `folder`. The label tree is that of the training file, or else that of the data."""
        tree = self._training.labels
        if (folder / MANIFEST).is_file():
            dataset = open_dataset(folder)
            self._checksums[str(folder)] = dataset.checksum
            counts = np.bincount(dataset.labels, minlength=len(dataset.classes))
            filled = {label for label, count in zip(dataset.classes, counts, strict=True) if count}
            return _Opened(dataset, dataset.classes, filled, dataset.manifest.labels if tree is None else tree)
        if self._options.expert and tree is None:
            clips, tree = find_leaves(folder)
        else:
            clips = find_clips(folder)
        for line in clips.remarks:
            self._say(line)
        scanned = self._scan(clips)
        labels = tuple(sorted({clip.label for clip in clips} | set(clips.empty)))
        return _Opened(scanned, labels, {segment.label for segment in scanned.segments}, tree)

    def _leave_out(self, classes: Sequence[str]) -> None:
        self._left_out = tuple(classes)
        if classes:
            self._say(f"left out, because they have no readable audio: {', '.join(classes)}")

    def _scan(self, clips: Sequence[Clip]) -> ScannedClips:
        scanned = scan(clips)
        self._bad += scanned.bad
        self._rates_hz |= scanned.rates_hz
        return scanned

    def _source(
        self, folder: Path, content: Dataset | ScannedClips, classes: Sequence[str], spec: FeatureSpec
    ) -> TrainingSource:
        if isinstance(content, Dataset):
            check_features(spec, content, folder)
            return CompiledSource(content, classes)
        processes = max(1, self._options.batch_workers)
        return FolderSource(content.segments, classes, spec, cache_bytes=(self._options.cache_mb << 20) // processes)

    def _test(self, classes: Sequence[str], background: Sequence[str], spec: FeatureSpec) -> TrainingSource | None:
        folder = self._options.dataset_test
        if folder is None:
            return None
        opened = self._open(folder)
        foreign = sorted(set(opened.filled) - {*classes, *background})
        if foreign:
            raise DatasetError(
                f"The validation data {folder} have classes that the training data lack: {', '.join(foreign)}.",
                hint=f"The classes are {', '.join(classes)}.",
                code="dataset_classes",
            )
        return self._source(folder, opened.content, classes, spec)

    def _background(self, name: str, classes: Sequence[str], spec: FeatureSpec) -> TrainingSource:
        """A folder of background audio."""
        folder = Path(name)
        if not folder.is_dir():
            raise DatasetError(
                f"The background {name!r} is neither a class nor a folder.",
                hint="Give a class of the data, or a folder of audio files.",
                field="background",
            )
        found = walk(folder)
        for line in remarks(found.left_out, folder):
            self._say(line)
        if not found.files:
            raise DatasetError(f"The background folder {name!r} contains no audio file.", field="background")
        clips = [Clip(path, "", group_of(path)) for path in found.files]
        return self._source(folder, self._scan(clips), classes, spec)

    def _report(self, train: TrainingSource, test: TrainingSource, spec: FeatureSpec) -> None:
        for one in self._bad:
            self._say(f"skipped: {one.reason}")
        if self._bad and self._options.strict:
            raise DatasetError(
                f"{len(self._bad)} files cannot be read, which --strict does not allow.",
                hint="Replace them, or train without --strict.",
                code="dataset_unreadable",
            )
        if other_rates_hz := sorted(self._rates_hz - {spec.rate_hz}):
            self._say(f"resampling audio from {', '.join(map(str, other_rates_hz))} Hz to {spec.rate_hz} Hz")
        self._say(
            f"{len(train.classes)} classes; {_count(train)} training sequences, {_count(test)} validation sequences, "
            f"{np.sum(train.labels == BACKGROUND)} background sequences; {len(self._bad)} unreadable files"
        )
        untested = [label for k, label in enumerate(train.classes) if k not in test.labels]
        if untested and len(test):
            self._say(f"no validation data for {', '.join(untested)}: provide two or more recordings of each")

    def _provenance(self, train: TrainingSource, test: TrainingSource) -> dict[str, Any]:
        return {
            "data": {
                "train": str(self._options.dataset_train),
                "validation": str(self._options.dataset_test or "a fifth of the recordings"),
                "sha256": self._checksums,
            },
            "clips": {"train": _count(train), "validation": _count(test), "bad": len(self._bad)},
            **({LEFT_OUT: list(self._left_out)} if self._left_out else {}),
        }


def _count(source: TrainingSource) -> int:
    return int(np.sum(source.labels != BACKGROUND))


def check_features(spec: FeatureSpec, dataset: Dataset, folder: Path) -> None:
    """Raises DatasetError unless the samples of `dataset` have the features of the classifier and hold its window."""
    require_same_features(spec, dataset.spec, names=("the classifier", str(folder)), but=("window_s",))
    if spec.n_frames > dataset.spec.n_frames:
        raise DatasetError(
            f"The classifier's window is {spec.window_s:g} s long, but samples of {folder} are "
            f"{dataset.spec.window_s:g} s long.",
            hint="Reduce window_s, or compile the dataset again with a longer window.",
            code="dataset_features",
        )


def _check(train: TrainingSource, test: TrainingSource, training: TrainingFile, left_out: Collection[str]) -> None:
    classes = train.classes
    unknown = sorted(set(training.exclusive) - {*classes, *left_out})
    if unknown:
        raise DatasetError(
            f"--exclusive names unknown classes: {', '.join(unknown)}.",
            hint=f"The classes are {', '.join(classes)}.",
            field="exclusive",
        )
    missing = [label for k, label in enumerate(classes) if k not in train.labels]
    lacking = f"no readable audio of {', '.join((*missing, *left_out))}" if missing or left_out else ""
    if missing or not classes:
        raise DatasetError(f"There is {lacking or 'no class'}.", hint="Add audio of these classes, or remove them.")
    if len(classes) < 2 and (BACKGROUND not in train.labels or training.activation == "softmax"):
        raise DatasetError(
            f"There is only one class, {classes[0]!r}{'; there is ' if lacking else ''}{lacking}.",
            hint="Add a folder with another class (or, with sigmoid, --background).",
        )
    if not _count(test):
        raise DatasetError(
            "There is no validation data: each class has one recording.",
            hint="Add recordings, or give --dataset-test.",
        )
