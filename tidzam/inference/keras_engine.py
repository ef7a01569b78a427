"""TensorFlow, for networks that ONNX Runtime cannot run. Importing it takes seconds and hundreds of megabytes."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from tidzam.inference.engines import Network, first_line, not_usable, require_one_float
from tidzam.tensorflow_loader import load_tensorflow
from tidzam.types import Float32


class KerasEngine:
    """Runs the `keras` file of a bundle.

    See also `tidzam.inference.engines.Engine` for the contract.
    """

    file_format: Final[Literal["keras"]] = "keras"
    distributions: Final = ("tensorflow", "tensorflow-cpu")
    trial_memory_mb: Final = 1024
    trial_cpu_s: Final = 30

    def import_library(self) -> None:
        _import_keras()

    def load(self, path: Path, *, threads: int) -> Network:
        keras, tf = _import_keras()
        with suppress(RuntimeError):  # TensorFlow has already started, with the number of threads set then
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        network = f"The network {path}"
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
            inputs, outputs = list(model.inputs), list(model.outputs)
        except Exception as error:  # noqa: BLE001 - a damaged or hostile file makes Keras raise anything
            raise not_usable(network, f"cannot be loaded: {first_line(error)}") from None
        typed = [[(str(one.name), f"tensor({str(one.dtype)[:-2]})") for one in side] for side in (inputs, outputs)]
        require_one_float(network, *typed)
        return _KerasNetwork(model, tuple(inputs[0].shape), outputs[0].shape[-1])


class _KerasNetwork:
    def __init__(self, model: Any, input_shape: tuple[int | None, ...], classes: int) -> None:
        _, tf = _import_keras()
        self.input_shape, self._classes = input_shape, classes
        signature = [tf.TensorSpec(input_shape, tf.float32)]
        self._run = tf.function(lambda features: model(features, training=False), input_signature=signature)

    def predict(self, features: Float32) -> Float32:
        if not len(features):  # which some of TensorFlow's optimized operations refuse
            return np.empty((0, self._classes), dtype=np.float32)
        outputs: Float32 = self._run(features).numpy()
        return outputs


def _import_keras() -> tuple[Any, Any]:
    """The modules keras and tensorflow. Raises SetupError if they are not installed."""
    load_tensorflow()
    import keras
    import tensorflow as tf

    return keras, tf
