"""Networks that take one window at a time, as networks that take any number of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tidzam.types import Float32


class OneByOne:
    """Calls `run` for each window, (1, *shape) to (1, classes). `shape` is that of one window."""

    def __init__(self, run: Callable[[Float32], Float32], shape: tuple[int | None, ...], classes: int) -> None:
        self._run, self._classes = run, classes
        self.input_shape: tuple[int | None, ...] = (None, *shape)

    def predict(self, inputs: Float32) -> Float32:
        if not len(inputs):
            return np.empty((0, self._classes), dtype=np.float32)
        return np.concatenate([self._run(inputs[row : row + 1]) for row in range(len(inputs))])
