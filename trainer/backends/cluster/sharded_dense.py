"""Large weights in shards, so that several parameter servers share them, their memory and their traffic.

TensorFlow's own partitioner makes a ShardedVariable of a large variable, which the optimizers of Keras 3 refuse ("You
can not update `var`"). The weights that grow large in these networks are the kernels of dense layers. Here such a
kernel consists of several Keras variables, which are placed on one server after another, each with its own part of the
optimizer's state. The number of shards follows from the size of the kernel alone, so that a checkpoint fits any number
of servers.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import keras
import numpy as np
from keras import layers

from trainer.models import Build

SHARD_BYTES = 4 << 20
FLOAT_BYTES = 4


class ShardedDense(layers.Dense):  # type: ignore[misc]  # Keras has no types
    """A dense layer whose kernel is divided into shards by rows (its inputs)."""

    def __init__(self, *, shard_bytes: int = SHARD_BYTES, **of_dense: Any) -> None:
        super().__init__(**of_dense)
        self._shard_bytes = shard_bytes
        self.shards: list[Any] = []

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        rows = int(input_shape[-1] or 0)
        edges = shard_edges(rows, self.units, self._shard_bytes)
        whole = self.kernel_initializer((rows, self.units), dtype=self.variable_dtype)  # its scale depends on all rows
        for number, (start, stop) in enumerate(pairwise(edges)):
            shard = self.add_weight(
                name=f"kernel_{number}",
                shape=(stop - start, self.units),
                initializer=lambda shape, dtype, start=start, stop=stop: whole[start:stop],
                regularizer=self.kernel_regularizer,
                constraint=self.kernel_constraint,
            )
            self.shards.append(shard)
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
        """The whole kernel, shape (inputs, units)."""
        return keras.ops.concatenate(self.shards, axis=0)


def shard_edges(rows: int, columns: int, shard_bytes: int) -> list[int]:
    """The first row of each shard of a float32 matrix, and the end: as few shards as `shard_bytes` allows."""
    count = min(rows, math.ceil(rows * columns * FLOAT_BYTES / shard_bytes))
    return [round(rows * number / count) for number in range(count + 1)]


def sharded(build: Build, *, shard_bytes: int = SHARD_BYTES) -> Build:
    """An architecture with the same function as `build`, with large dense kernels in shards."""

    def build_sharded(input_shape: tuple[int, int], n_classes: int) -> keras.Model:
        whole = build(input_shape, n_classes)
        if not any(_is_large(layer, shard_bytes) for layer in whole.layers):
            return whole

        def clone(layer: Any) -> Any:
            of_layer = layer.get_config()
            if not _is_large(layer, shard_bytes):
                return layer.__class__.from_config(of_layer)
            return ShardedDense(shard_bytes=shard_bytes, **of_layer)

        return keras.models.clone_model(whole, clone_function=clone)

    return build_sharded


def _is_large(layer: Any, shard_bytes: int) -> bool:
    return type(layer) is layers.Dense and math.prod(layer.kernel.shape) * FLOAT_BYTES > shard_bytes


def whole_weights(model: keras.Model) -> list[Any]:
    """The weights of `model` in the order and shapes of the network that it was made from: kernels in one piece."""
    return [weight for layer in model.layers for weight in _of_layer(layer)]


def _of_layer(layer: Any) -> list[Any]:
    if isinstance(layer, ShardedDense):
        kernel = np.concatenate([np.asarray(shard) for shard in layer.shards])
        return [kernel] if layer.bias is None else [kernel, np.asarray(layer.bias)]
    return [np.asarray(weight) for weight in layer.weights]


def set_whole_weights(model: keras.Model, weights: list[Any]) -> None:
    """The inverse of `whole_weights`."""
    left = iter(weights)
    for layer in model.layers:
        if not isinstance(layer, ShardedDense):
            for variable in layer.weights:
                variable.assign(next(left))
            continue
        edges = np.cumsum([0, *(shard.shape[0] for shard in layer.shards)])
        kernel = next(left)
        for shard, (start, stop) in zip(layer.shards, pairwise(edges), strict=True):
            shard.assign(kernel[start:stop])
        if layer.bias is not None:
            layer.bias.assign(next(left))
