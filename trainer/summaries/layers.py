"""The parts of a network that are worth looking at, found in any architecture."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tidzam.audio.features import Float32

if TYPE_CHECKING:
    import keras


def first_kernels(model: keras.Model) -> Float32 | None:
    """The kernels of the first convolution, shape (kernels, height, width); None if there is none.

    Time is the height. Of kernels with several inputs, the mean over them.
    """
    layer = first_convolution(model)
    if layer is None:
        return None
    kernel: Float32 = np.asarray(layer.weights[0], dtype=np.float32)
    if kernel.ndim == 4 and "depthwise" in layer.weights[0].name:
        kernel = kernel.reshape(*kernel.shape[:2], -1)
    elif kernel.ndim == 4:
        kernel = kernel.mean(axis=2)
    return kernel.transpose(2, 0, 1)  # of 3 from the start: over time alone, the inputs are bands


def first_convolution(model: keras.Model) -> keras.Layer | None:
    """The first layer whose weights are kernels over time, or time and frequency."""
    found = (layer for layer in _leaves(model) if layer.weights and len(layer.weights[0].shape) in (3, 4))
    return next(found, None)


def first_maps(model: keras.Model) -> keras.Model | None:
    """From features to what the first convolution makes of them; None if it cannot be taken out of the network."""
    layer = first_convolution(model)
    return None if layer is None else _up_to(model, lambda: layer.output)


def embedding(model: keras.Model) -> keras.Model | None:
    """From features to the input of the last layer that has weights: what the network knows of a sound.

    Its output has shape (n, …, size); what lies between is time and frequency. None if it cannot be taken out.
    """
    last = next((layer for layer in reversed(list(_leaves(model))) if layer.weights), None)
    return None if last is None else _up_to(model, lambda: last.input)


def _up_to(model: keras.Model, output: Callable[[], Any]) -> keras.Model | None:
    import keras

    try:
        return keras.Model(model.input, output())
    except (AttributeError, ValueError):  # not a graph of layers, or one within another
        return None


def _leaves(model: keras.Model) -> Iterator[keras.Layer]:
    """The layers that are not made of layers themselves, in their order."""
    import keras

    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _leaves(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            yield layer
