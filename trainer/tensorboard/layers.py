"""Parts of a network for display, found in any architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tidzam.types import Float32

if TYPE_CHECKING:
    import keras


def first_kernels(model: keras.Model) -> Float32 | None:
    """The kernels of the first convolution, shape (kernels, height, width); None if there is no convolution.

    The height is time. Kernels with several inputs are averaged over them.
    """
    found = _first_convolution(model)
    if found is None:
        return None
    weight = found.layer.weights[0]
    kernel: Float32 = np.asarray(weight, dtype=np.float32)
    if kernel.ndim == 4 and "depthwise" in weight.name:
        kernel = kernel.reshape(*kernel.shape[:2], -1)
    elif kernel.ndim == 4:
        kernel = kernel.mean(axis=2)
    return kernel.transpose(2, 0, 1)  # kernels with 3 dimensions are over time alone: their inputs are bands


def first_maps(model: keras.Model) -> keras.Model | None:
    """A network from features to the output of the first convolution; None if it cannot be extracted."""
    found = _first_convolution(model)
    return None if found is None else _up_to(model, found, lambda layer: layer.output)


def embedding(model: keras.Model) -> keras.Model | None:
    """A network from features to the input of the last layer with weights: the embedding of a window.

    Its output has shape (n, …, size), with time and frequency in between. None if it cannot be extracted. For an
    ensemble it is the embedding of the last member.
    """
    last = next((leaf for leaf in reversed(list(_leaves(model))) if leaf.layer.weights), None)
    return None if last is None else _up_to(model, last, lambda layer: layer.input)


class _Leaf(NamedTuple):
    """A layer that is not a network itself, and the network that contains it."""

    layer: keras.Layer
    home: keras.Model


def _first_convolution(model: keras.Model) -> _Leaf | None:
    """The first layer whose weights are kernels over time, or time and frequency."""
    leaves = (leaf for leaf in _leaves(model) if leaf.layer.weights)
    return next((leaf for leaf in leaves if len(leaf.layer.weights[0].shape) in (3, 4)), None)


def _up_to(model: keras.Model, leaf: _Leaf, output: Callable[[keras.Layer], Any]) -> keras.Model | None:
    import keras

    try:
        part = keras.Model(leaf.home.input, output(leaf.layer))
        return part if part.input_shape == model.input_shape else None
    except (AttributeError, ValueError):  # not a graph of layers
        return None


def _leaves(model: keras.Model) -> Iterator[_Leaf]:
    """All leaves of the network, in order."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield _Leaf(layer, model)
