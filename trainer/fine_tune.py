"""Fine-tuning of a bundle (`--init`), also for other classes: known classes keep their weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle
from tidzam.dataset import require_same_features
from tidzam.errors import BundleError
from trainer.models import Build

if TYPE_CHECKING:
    import keras

Weights = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class CopiedClasses:
    """The classes whose weights were copied, and those with random weights."""

    kept: tuple[str, ...]
    new: tuple[str, ...]


def start_from(
    bundle: Bundle, model: keras.Model, build: Build, classes: Sequence[str], spec: FeatureSpec
) -> CopiedClasses:
    """Copy the weights of `bundle` into `model`, which `build` has built for `classes` (its outputs, in order).

    If a weight has one row per class, the rows of the classes that the bundle has are copied.

    Raises DatasetError if the bundle has other features than `spec`, BundleError (`init_network`) if it has
    another architecture.
    """
    require_same_features(spec, bundle.manifest.feature_spec, names=("this training", f"bundle {bundle.folder}"))
    network, rows = _trained(bundle)
    source = [np.asarray(weight, dtype=np.float32) for weight in network.weights]
    axes = class_axes(build, spec, len(classes))
    _check_same(bundle, source, [tuple(weight.shape) for weight in model.weights], axes)
    shared = [(k, rows[label]) for k, label in enumerate(classes) if label in rows]
    for variable, old, axis in zip(model.weights, source, axes, strict=True):
        variable.assign(old if axis is None else _merged(np.asarray(variable), old, axis, shared))
    kept = tuple(label for label in classes if label in rows)
    return CopiedClasses(kept, tuple(label for label in classes if label not in rows))


def _trained(bundle: Bundle) -> tuple[keras.Model, dict[str, int]]:
    """The network of a bundle from features to logits, without head, temperature and activation; and the output of each
    class."""
    import keras

    whole = keras.models.load_model(bundle.file("keras"))
    layers = {layer.name: layer for layer in whole.layers}
    head, classes = layers.get("head"), bundle.manifest.classes
    last = head or layers.get("temperature")
    if last is None:
        raise BundleError(
            f"Bundle {bundle.folder} has no layer named temperature.",
            hint="It was made by an older version: train without --init.",
            code="init_network",
        )
    outputs = range(len(classes)) if head is None else np.asarray(head.kernel).argmax(axis=0).tolist()
    return keras.Model(whole.input, last.input), dict(zip(classes, outputs, strict=True))


def class_axes(build: Build, spec: FeatureSpec, n_classes: int) -> list[int | None]:
    """The axis of the classes in each weight of an architecture; None for a weight without such an axis.

    It is found by building the architecture for two numbers of classes.
    """
    small, large = (build(spec.shape, count).weights for count in (n_classes, n_classes + 1))
    return [_differing_axis(a.shape, b.shape) for a, b in zip(small, large, strict=True)]


def _differing_axis(one: Sequence[int], other: Sequence[int]) -> int | None:
    return next((axis for axis, (a, b) in enumerate(zip(one, other, strict=True)) if a != b), None)


def _check_same(bundle: Bundle, source: Weights, shapes: Sequence[tuple[int, ...]], axes: Sequence[int | None]) -> None:
    same = len(source) == len(shapes) and all(
        _without(old.shape, axis) == _without(shape, axis)
        for old, shape, axis in zip(source, shapes, axes, strict=True)
    )
    if not same:
        theirs, ours = (sum(map(np.prod, every)) for every in ([old.shape for old in source], shapes))
        raise BundleError(
            f"Bundle {bundle.folder} has another architecture: {len(source)} arrays with {theirs:,} weights, expected "
            f"{len(shapes)} arrays with {ours:,} weights.",
            hint="Train with the --dnn and the dnn_options of the bundle.",
            code="init_network",
        )


def _without(shape: Sequence[int], axis: int | None) -> tuple[int, ...]:
    return tuple(length for number, length in enumerate(shape) if number != axis)


def _merged(
    fresh: NDArray[np.float32], old: NDArray[np.float32], axis: int, shared: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """`fresh`, with the rows of `shared` (new index, old index) copied from `old`."""
    merged = np.moveaxis(fresh.copy(), axis, 0)
    from_old = np.moveaxis(old, axis, 0)
    for new_index, old_index in shared:
        merged[new_index] = from_old[old_index]
    return np.moveaxis(merged, 0, axis)
