"""TensorFlow, brought in quietly, made repeatable, and told which devices there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tidzam.errors import SetupError

if TYPE_CHECKING:
    import tensorflow as tf


def load_tensorflow() -> None:
    """Raises SetupError if it is not installed."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        with _no_greeting():
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
    except ImportError as error:
        raise SetupError(
            f"TensorFlow cannot be loaded: {error}.", hint="Install the extra: pip install 'tidzam[train]'."
        ) from None


def make_repeatable(seed: int, *, every_operation: bool = True) -> None:
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


@contextmanager
def _no_greeting() -> Iterator[None]:
    """Keep from the terminal what TensorFlow's libraries write on being loaded, which no setting of theirs does."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
