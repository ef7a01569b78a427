"""Large weights in parts, so that several parameter servers share them, their memory and their traffic.

TensorFlow's own partitioner makes a ShardedVariable of a large variable, which the optimizers of Keras 3 refuse ("You
can not update `var`"). The weights that grow large in these networks are the kernels of dense layers; here such a
kernel is several Keras variables, that go to one server after another, each with its own part of the optimizer's state.
How many there are follows from their size alone, so that a checkpoint fits any number of servers.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import layers

from trainer.models import Build

PART_BYTES = 4 << 20
FLOAT_BYTES = 4


class PartitionedDense(layers.Dense):  # type: ignore[misc]  # Keras has no types
    """A dense layer whose kernel is in parts, by rows (its inputs)."""

    def __init__(self, *, part_bytes: int = PART_BYTES, **of_dense: Any) -> None:
        super().__init__(**of_dense)
        self._part_bytes = part_bytes
        self.parts: list[Any] = []

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        rows = int(input_shape[-1] or 0)
        edges = part_edges(rows, self.units, self._part_bytes)
        whole = self.kernel_initializer((rows, self.units), dtype=self.variable_dtype)  # its spread depends on all rows
        for number, (start, stop) in enumerate(pairwise(edges)):
            part = self.add_weight(
                name=f"kernel_{number}",
                shape=(stop - start, self.units),
                initializer=lambda shape, dtype, start=start, stop=stop: whole[start:stop],
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            self.parts.append(part)
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.built = True

    @property
    def kernel(self) -> Any:
        """All parts, one under the other: shape (inputs, units)."""
        return keras.ops.concatenate(self.parts, axis=0)


def part_edges(rows: int, columns: int, part_bytes: int) -> list[int]:
    """Where the parts of a float32 matrix begin and end, by rows: as few as the size of a part allows."""
    count = min(rows, math.ceil(rows * columns * FLOAT_BYTES / part_bytes))
    return [round(rows * number / count) for number in range(count + 1)]


def partitioned(build: Build, *, part_bytes: int = PART_BYTES) -> Build:
    """Builds what `build` does, with large dense kernels in parts."""

    def build_in_parts(input_shape: tuple[int, int], n_classes: int) -> keras.Model:
        whole = build(input_shape, n_classes)
        if not any(_is_large(layer, part_bytes) for layer in whole.layers):
            return whole

        def clone(layer: Any) -> Any:
            of_layer = layer.get_config()
            if not _is_large(layer, part_bytes):
                return layer.__class__.from_config(of_layer)
            return PartitionedDense(part_bytes=part_bytes, **of_layer)

        return keras.models.clone_model(whole, clone_function=clone)

    return build_in_parts


def _is_large(layer: Any, part_bytes: int) -> bool:
    return type(layer) is layers.Dense and math.prod(layer.kernel.shape) * FLOAT_BYTES > part_bytes


def whole_weights(model: keras.Model) -> list[Any]:
    """The weights of `model` as those of the network that it was made from, in its order: kernels in one piece."""
    return [weight for layer in model.layers for weight in _of_layer(layer)]


def _of_layer(layer: Any) -> list[Any]:
    if isinstance(layer, PartitionedDense):
        kernel = np.concatenate([np.asarray(part) for part in layer.parts])
        return [kernel] if layer.bias is None else [kernel, np.asarray(layer.bias)]
    return [np.asarray(weight) for weight in layer.weights]


def set_whole_weights(model: keras.Model, weights: list[Any]) -> None:
    """The inverse of `whole_weights`."""
    left = iter(weights)
    for layer in model.layers:
        if not isinstance(layer, PartitionedDense):
            for variable in layer.weights:
                variable.assign(next(left))
            continue
        edges = np.cumsum([0, *(part.shape[0] for part in layer.parts)])
        kernel = next(left)
        for part, (start, stop) in zip(layer.parts, pairwise(edges), strict=True):
            part.assign(kernel[start:stop])
        if layer.bias is not None:
            layer.bias.assign(next(left))
