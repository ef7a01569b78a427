"""The composition root: folders, batches, network, loop, bundle, in the order in which sound becomes a classifier."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tidzam import __version__
from tidzam.audio.features import FeatureSpec, Float32
from tidzam.bundle import MANIFEST, SELECTOR, Bundle, Manifest
from tidzam.errors import ConfigError, DatasetError
from tidzam.labels import LabelTree
from trainer import evaluate, fit
from trainer.batches import Batches, Recipe
from trainer.export import export
from trainer.folders import Clip, Sound, classes_of, find_clips, find_files, load, split
from trainer.models import Activation, find_model

if TYPE_CHECKING:
    import keras

PREDICT_BATCH = 256
TEST_SAMPLE = 256
BUNDLE_NAME = r"[A-Za-z0-9_.-]{1,64}"
THRESHOLD = 0.5


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a training is told. `out` is the bundle's folder, and its name the classifier's unless `name` is given."""

    dataset_train: Path
    out: Path
    dataset_test: Path | None = None
    name: str
    dnn: str = "small"
    activation: Activation = "sigmoid"
    exclusive: tuple[str, ...] = ()
    background: tuple[Path, ...] = ()
    spec: FeatureSpec = field(default_factory=FeatureSpec)
    iterations: int = 20000
    testing_step: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-3
    seed: int = 0
    workers: int = 1


@dataclass(frozen=True)
class Dataset:
    """Sound in memory, on its two sides."""

    classes: tuple[str, ...]
    train: tuple[Sound, ...]
    test: tuple[Sound, ...]
    background: tuple[Float32, ...]
    bad: tuple[tuple[Path, str], ...]


def train(
    options: Options, *, say: Callable[[str], None], watch: Callable[[fit.Report], None] = lambda _: None
) -> Bundle:
    """Train as told and write the bundle. `say` gets a line now and then, `watch` a report a step.

    Raises DatasetError if the folders cannot be used, ConfigError for a network that is not known, or a place or name
    that a bundle cannot have.
    """
    build = find_model(options.dnn)
    _check_out(options)
    data = read_dataset(options, say)
    fit.make_repeatable(options.seed)
    model = build(options.spec.shape, len(data.classes), options.activation)
    say(f"network {options.dnn}: {model.count_params():,} weights, {options.iterations:,} steps")
    windows = evaluate.cut_windows(data.test, data.classes, options.spec)
    for report in fit.fit(
        model,
        _batches(options, data).ahead(options.iterations, workers=options.workers),
        windows.sample(TEST_SAMPLE, options.seed),
        activation=options.activation,
        iterations=options.iterations,
        testing_step=options.testing_step,
        learning_rate=options.learning_rate,
    ):
        watch(report)
    accuracy = {"validation": _measure(model, windows, data, options)}
    return export(model, _manifest(options, data, accuracy), windows.features[:PREDICT_BATCH], options.out)


def _check_out(options: Options) -> None:
    """Refuse now what would fail when all is trained, or take the place of something that is no bundle."""
    if re.fullmatch(BUNDLE_NAME, options.name) is None:
        raise ConfigError(
            f"{options.name!r} cannot name a classifier.", hint="Use letters, digits and ._-", field="name"
        )
    out = options.out
    if out.exists() and not (out / MANIFEST).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(
            f"{out} is there already, and is no bundle.",
            hint="Name a folder that is new, empty or a bundle.",
            field="out",
        )


def read_dataset(options: Options, say: Callable[[str], None]) -> Dataset:
    """Read all the sound that a training needs. What cannot be read is told, counted and left out."""
    train_clips = find_clips(options.dataset_train)
    classes = classes_of(train_clips)
    if options.dataset_test is None:
        train_clips, test_clips = split(train_clips)
    else:
        test_clips = find_clips(options.dataset_test)
    _check_names(options, classes, test_clips)
    train_sounds, bad_train = _read(train_clips, options, say)
    test_sounds, bad_test = _read(test_clips, options, say)
    background_clips = [Clip(path, "", "") for folder in options.background for path in find_files(folder)]
    background, bad_background = _read(background_clips, options, say)
    bad = (*bad_train, *bad_test, *bad_background)
    say(
        f"{len(classes)} classes, {len(train_sounds)} clips to train on, {len(test_sounds)} to validate with, "
        f"{len(background)} of background; {len(bad)} could not be read"
    )
    _check_all_there(classes, train_sounds, test_sounds)
    return Dataset(classes, train_sounds, test_sounds, tuple(sound.samples for sound in background), bad)


def _read(
    clips: Sequence[Clip], options: Options, say: Callable[[str], None]
) -> tuple[tuple[Sound, ...], tuple[tuple[Path, str], ...]]:
    sounds: list[Sound] = []
    bad: list[tuple[Path, str]] = []
    for one in load(clips, rate_hz=options.spec.rate_hz):
        if isinstance(one, Sound):
            sounds.append(one)
        else:
            bad.append(one)
            say(f"skipped: {one[1]}")
    return tuple(sounds), tuple(bad)


def _check_names(options: Options, classes: Sequence[str], test_clips: Iterable[Clip]) -> None:
    foreign = sorted({clip.label for clip in test_clips} - set(classes))
    if foreign:
        raise DatasetError(
            f"{options.dataset_test} holds classes that are not trained: {', '.join(foreign)}.",
            hint=f"The classes are {', '.join(classes)}.",
        )
    unknown = sorted(set(options.exclusive) - set(classes))
    if unknown:
        raise DatasetError(
            f"--exclusive names {', '.join(unknown)}.", hint=f"The classes are {', '.join(classes)}.", field="exclusive"
        )


def _check_all_there(classes: Sequence[str], train_sounds: Sequence[Sound], test_sounds: Sequence[Sound]) -> None:
    readable = {sound.clip.label for sound in train_sounds}
    missing = [label for label in classes if label not in readable]
    if missing:
        raise DatasetError(f"No file of {', '.join(missing)} can be read.", hint="Replace them, or leave them out.")
    if not test_sounds:
        raise DatasetError(
            "There is nothing to validate with: each class has one recording.",
            hint="Add recordings, or name --dataset-test.",
        )


def _batches(options: Options, data: Dataset) -> Batches:
    recipe = Recipe(activation=options.activation, exclusive=frozenset(options.exclusive))
    return Batches(
        data.train, data.background, data.classes, options.spec, recipe, size=options.batch_size, seed=options.seed
    )


def _measure(model: keras.Model, windows: evaluate.Windows, data: Dataset, options: Options) -> dict[str, Any]:
    """How the trained network does on the validation clips, each of one class and undisturbed."""
    pieces = np.array_split(windows.features, max(1, len(windows.features) // PREDICT_BATCH))
    probabilities = np.concatenate([np.asarray(model(piece, training=False)) for piece in pieces])
    scores = evaluate.window_scores(windows.targets, probabilities, data.classes)
    if options.activation == "softmax":
        scores["clips"] = evaluate.clip_scores(windows, probabilities, data.classes)
    return {"data": "validation clips, one class each", **scores}


def _manifest(options: Options, data: Dataset, accuracy: dict[str, Any]) -> Manifest:
    return Manifest(
        name=options.name,
        features=options.spec,
        hop_s=options.spec.window_s,
        classes=data.classes,
        labels=label_tree(options.name, data.classes),
        activation=options.activation,
        thresholds=dict.fromkeys(data.classes, THRESHOLD),
        provenance={
            "trained": datetime.now(UTC).isoformat(timespec="seconds"),
            "tidzam": __version__,
            "python": platform.python_version(),
            "tensorflow": sys.modules["tensorflow"].__version__,
            "dnn": options.dnn,
            "seed": options.seed,
            "iterations": options.iterations,
            "batch_size": options.batch_size,
            "learning_rate": options.learning_rate,
            "clips": {"train": len(data.train), "validation": len(data.test), "bad": len(data.bad)},
        },
        accuracy=accuracy,
    )


def label_tree(name: str, classes: Sequence[str]) -> LabelTree:
    """The classes of a selector stand by themselves; those of an expert under the class that it is named after."""
    return LabelTree.flat(tuple(classes), parent=None if name == SELECTOR else name)
