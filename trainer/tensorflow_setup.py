"""TensorFlow's settings: deterministic runs, and the devices that it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidzam.tensorflow_loader import load_tensorflow

if TYPE_CHECKING:
    import tensorflow as tf


def make_deterministic(seed: int, *, every_operation: bool = True) -> None:
    """Draw all initial weights from `seed`, and use only deterministic operations.

    Without `every_operation`, only the former: what several workers do at once is not deterministic. Raises SetupError
    if TensorFlow is not installed.
    """
    load_tensorflow()
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(seed)
    if every_operation:
        tf.config.experimental.enable_op_determinism()


def local_strategy() -> tf.distribute.Strategy:
    """A strategy with all GPUs of this machine; without GPUs, its CPU."""
    import tensorflow as tf

    if len(tf.config.list_logical_devices("GPU")) > 1:
        return tf.distribute.MirroredStrategy()
    return tf.distribute.get_strategy()
