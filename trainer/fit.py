"""The training loop: AdamW, a cosine schedule, the same weights for the same seed."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tidzam.errors import DatasetError, SetupError
from trainer.batches import Batch
from trainer.models import Activation

if TYPE_CHECKING:
    import keras

WARM_UP_SHARE = 0.05
WEIGHT_DECAY = 1e-3


@dataclass(frozen=True)
class Report:
    """How training stands after `step` steps. `test_loss` is measured now and then, else None."""

    step: int
    loss: float
    test_loss: float | None


def make_repeatable(seed: int) -> None:
    """Draw all initial weights from `seed`, and let TensorFlow use only operations that repeat themselves.

    Raises SetupError if it is not installed.
    """
    try:
        with _no_greeting():
            import keras
            import tensorflow as tf
    except ImportError as error:
        raise SetupError(
            f"TensorFlow cannot be loaded: {error}.", hint="Install the extra: pip install 'tidzam[train]'."
        ) from None

    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()


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


def fit(
    model: keras.Model,
    batches: Iterable[Batch],
    test: Batch,
    *,
    activation: Activation,
    iterations: int,
    testing_step: int,
    learning_rate: float,
) -> Iterator[Report]:
    """Train `model` in place, one batch a step, reporting each step.

    Raises DatasetError if the loss is no longer a number.
    """
    import keras
    import tensorflow as tf

    cost = keras.losses.BinaryCrossentropy() if activation == "sigmoid" else keras.losses.CategoricalCrossentropy()
    warm_up = max(1, int(WARM_UP_SHARE * iterations))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, iterations - warm_up), warmup_target=learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    optimizer.build(model.trainable_variables)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def train_step(features: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = cost(targets, model(features, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def test_step(features: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        return cost(targets, model(features, training=False))

    for step, (features, targets) in enumerate(batches, start=1):
        loss = float(train_step(features, targets))
        if not math.isfinite(loss):
            raise DatasetError(f"The loss is {loss} after {step} steps.", hint="Lower --learning-rate.", code="loss")
        tested = step % testing_step == 0 or step == iterations
        yield Report(step, loss, float(test_step(*test)) if tested else None)
