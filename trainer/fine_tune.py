"""Training on from a bundle (`--init`), also with other classes: what it knows is kept, what is new is drawn."""

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
class Kept:
    """The classes whose weights were taken over, and those that begin anew."""

    kept: tuple[str, ...]
    new: tuple[str, ...]


def start_from(bundle: Bundle, model: keras.Model, build: Build, classes: Sequence[str], spec: FeatureSpec) -> Kept:
    """Give `model`, just built by `build` for `classes` (its outputs, in their order), the weights of `bundle`.

    A weight that has a row for each class takes over the rows of the classes that the bundle knows. Raises
    DatasetError if the bundle hears other features than `spec`, BundleError (`init_network`) if it is of another
    architecture.
    """
    require_same_features(spec, bundle.manifest.features, names=("this training", f"bundle {bundle.folder}"))
    network, rows = _trained(bundle)
    source = [np.asarray(weight, dtype=np.float32) for weight in network.weights]
    axes = class_axes(build, spec, len(classes))
    _check_same(bundle, source, [tuple(weight.shape) for weight in model.weights], axes)
    shared = [(k, rows[label]) for k, label in enumerate(classes) if label in rows]
    for variable, old, axis in zip(model.weights, source, axes, strict=True):
        variable.assign(old if axis is None else _merged(np.asarray(variable), old, axis, shared))
    kept = tuple(label for label in classes if label in rows)
    return Kept(kept, tuple(label for label in classes if label not in rows))


def _trained(bundle: Bundle) -> tuple[keras.Model, dict[str, int]]:
    """The network inside a bundle, from features to logits: without head, temperature and activation. And of each class
    the number of its output."""
    import keras

    whole = keras.models.load_model(bundle.file("keras"))
    layers = {layer.name: layer for layer in whole.layers}
    head, classes = layers.get("head"), bundle.manifest.classes
    last = head or layers.get("temperature")
    if last is None:
        raise BundleError(
            f"Bundle {bundle.folder} does not say where its network ends and its temperature begins.",
            hint="It is of an older Tidzam: train without --init.",
            code="init_network",
        )
    outputs = range(len(classes)) if head is None else np.asarray(head.kernel).argmax(axis=0).tolist()
    return keras.Model(whole.input, last.input), dict(zip(classes, outputs, strict=True))


def class_axes(build: Build, spec: FeatureSpec, n_classes: int) -> list[int | None]:
    """For each weight of an architecture the axis that counts classes; None for one that has none.

    Found by building it for two numbers of classes: it holds for any architecture.
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
            f"Bundle {bundle.folder} is of another architecture: {len(source)} arrays of {theirs:,} weights; the "
            f"network to be trained has {len(shapes)} of {ours:,}.",
            hint="Name its architecture with --dnn, and the same dnn_options.",
            code="init_network",
        )


def _without(shape: Sequence[int], axis: int | None) -> tuple[int, ...]:
    return tuple(length for place, length in enumerate(shape) if place != axis)


def _merged(
    fresh: NDArray[np.float32], old: NDArray[np.float32], axis: int, shared: Sequence[tuple[int, int]]
) -> NDArray[np.float32]:
    """`fresh`, with the rows of `shared` (new place, old place) taken from `old`."""
    merged = np.moveaxis(fresh.copy(), axis, 0)
    from_old = np.moveaxis(old, axis, 0)
    for new_place, old_place in shared:
        merged[new_place] = from_old[old_place]
    return np.moveaxis(merged, 0, axis)
