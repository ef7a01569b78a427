"""TensorFlow: repeatable runs, and the devices that it may use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidzam.tensorflow_loader import load_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf


def make_deterministic(seed: int, *, every_operation: bool = True) -> None:
    """Draw all initial weights from `seed`, and let TensorFlow use only operations that repeat themselves.

    Without `every_operation`, only the former: what several workers do at once is never the same twice. Raises
    SetupError if TensorFlow is not installed.
    """
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if every_operation:
        tf.config.experimental.enable_op_determinism()


def local_strategy() -> tf.distribute.Strategy:
    """All GPUs of this machine as one, if there are several; else the one there is, or the CPU."""
    import tensorflow as tf

    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
