"""Networks that are run on a bounded number of windows at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidzam.inference.engines import Network
from tidzam.types import Float32


class NetworkInBatches:
    """A network that is run on `batch` windows at once, at most: what it computes in between then stays in cache."""

    def __init__(self, network: Network, batch: int) -> None:
        self._network, self._batch = network, batch

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        return self._network.input_shape

    def predict(self, inputs: Float32) -> Float32:
        if len(inputs) <= self._batch:
            return self._network.predict(inputs)
        return in_batches(self._network.predict, inputs, batch=self._batch)


def in_batches(run: Callable[[Float32], Float32], inputs: Float32, *, batch: int = 256) -> Float32:
    """The outputs of `run` for `inputs`, `batch` windows at once."""
    return np.concatenate([run(inputs[start : start + batch]) for start in range(0, max(1, len(inputs)), batch)])
