"""The training loop: the state of a training, its step, and a report of each step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tidzam.errors import DatasetError
from tidzam.types import Float32
from trainer.data.source import Batch
from trainer.heads import Head
from trainer.models import Activation, Build
from trainer.training_file import Optimizer

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

PREDICT_BATCH = 256


@dataclass(frozen=True)
class StepReport:
    """The training after `step` of `of` steps (0: unknown).

    `examples_per_s` and `input_wait` (the share of time, 0…1, that was spent waiting for a batch) refer to the steps
    since the last report. `test_loss` is None except after a validation.
    """

    step: int
    loss: float
    learning_rate: float
    examples_per_s: float
    input_wait: float
    test_loss: float | None = None
    of: int = 0


class TrainingState:
    """A network that returns logits, its optimizer, and the number of steps made.

    Create it with `create`, in the scope of the strategy that trains it. `step` is a raw int64 tf.Variable, whose
    additions are atomic on a parameter server; Keras's own `optimizer.iterations` loses some.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        step: tf.Variable,
        *,
        heads: Sequence[Head],
        activation: Activation,
        label_smoothing: float = 0.0,
    ) -> None:
        self.model, self.optimizer, self.step = model, optimizer, step
        self.heads, self.activation, self.label_smoothing = tuple(heads), activation, label_smoothing

    @classmethod
    def create(
        cls,
        build: Build,
        input_shape: tuple[int, int],
        *,
        heads: Sequence[Head],
        activation: Activation,
        recipe: Optimizer,
        iterations: int,
        members: int = 1,
    ) -> TrainingState:
        """A new network with one output per class of `heads`, and the optimizer that `recipe` describes.

        With several `members`, `build` builds an ensemble with the outputs of each member.
        """
        import tensorflow as tf

        only_first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        step = tf.Variable(0, dtype=tf.int64, trainable=False, name="step", aggregation=only_first)
        model = build(input_shape, members * max(head.stop for head in heads))
        optimizer = make_optimizer(recipe, step, iterations)
        # As usual, biases and normalization are excluded.
        optimizer.exclude_from_weight_decay([one for one in model.trainable_variables if len(one.shape) < 2])
        optimizer.build(model.trainable_variables)
        return cls(model, optimizer, step, heads=heads, activation=activation, label_smoothing=recipe.label_smoothing)

    @property
    def done(self) -> int:
        """The number of steps made, on whatever device it is counted."""
        return int(self.step.numpy())

    @property
    def outputs(self) -> int:
        """The number of classes of all heads."""
        return max(head.stop for head in self.heads)

    def cost(self, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        """The cross entropy of each example, shape (n,), added up over the heads.

        If `logits` are those of several members, it is the mean of their costs: each member learns by itself.
        """
        members = logits.shape[-1] // self.outputs
        parts = [logits[:, k * self.outputs : (k + 1) * self.outputs] for k in range(members)]
        return sum(self._head_cost(head, targets, part) for part in parts for head in self.heads) / members

    def _head_cost(self, head: Head, targets: tf.Tensor, logits: tf.Tensor) -> tf.Tensor:
        import tensorflow as tf

        wanted, predicted = targets[:, head.start : head.stop], logits[:, head.start : head.stop]
        mass, smooth = tf.reduce_sum(wanted, axis=1), self.label_smoothing
        if self.activation == "softmax":  # an example without a class of this head costs nothing
            wanted = (1 - smooth) * wanted + smooth * mass[:, None] / len(head.classes)
            return tf.nn.softmax_cross_entropy_with_logits(labels=wanted, logits=predicted)
        wanted = (1 - smooth) * wanted + smooth / 2
        cost = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=wanted, logits=predicted), axis=1)
        return cost if head.always else cost * tf.cast(mass > 0, cost.dtype)

    def mean_cost(self, features: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        """The mean cost of validation examples."""
        import tensorflow as tf

        return tf.reduce_mean(self.cost(targets, self.model(features, training=False)))

    def train_step(self, features: tf.Tensor, targets: tf.Tensor, share: float | tf.Tensor = 1.0) -> tf.Tensor:
        """Update the weights once and count the step. Returns the mean cost of the examples.

        Called inside a tf.function. `share` is this replica's share of the batch: the gradients of replicas are added.
        """
        import tensorflow as tf

        with tf.GradientTape() as tape:
            loss = share * tf.reduce_mean(self.cost(targets, self.model(features, training=True)))
        gradients = tape.gradient(loss, self.model.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.model.trainable_variables, strict=True))
        self.step.assign_add(1)
        return loss

    def finish(self) -> None:
        """Replace the weights by their moving average, if there is one."""
        self.optimizer.finalize_variable_values(self.model.trainable_variables)

    @cached_property
    def _predict(self) -> Callable[[Float32], tf.Tensor]:
        import tensorflow as tf

        predict: Callable[[Float32], tf.Tensor] = tf.function(
            lambda features: self.model(features, training=False), reduce_retracing=True
        )
        return predict

    def logits(self, features: Float32) -> Float32:
        """The logits of `features`, shape (n, frames, mels): shape (n, outputs), averaged over members."""
        parts = [features[start : start + PREDICT_BATCH] for start in range(0, len(features), PREDICT_BATCH)]
        predicted = np.concatenate([np.asarray(self._predict(part), dtype=np.float32) for part in parts])
        averaged: Float32 = predicted.reshape(len(predicted), -1, self.outputs).mean(axis=1)
        return averaged


def make_optimizer(recipe: Optimizer, step: tf.Variable, iterations: int) -> keras.optimizers.Optimizer:
    """The optimizer of `recipe`. Its learning rate follows `step`, which counts the updates of all workers."""
    import keras
    import tensorflow as tf

    warm_up = max(1, round(recipe.warm_up * iterations))

    class Schedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]  # Keras has no types
        def __call__(self, _: Any) -> tf.Tensor:
            now = tf.cast(step, tf.float32)
            way = tf.clip_by_value((now - warm_up) / max(1, iterations - warm_up), 0.0, 1.0)
            cooled = 0.5 * (1 + tf.cos(math.pi * way)) if recipe.schedule == "cosine" else 1.0
            return recipe.learning_rate * tf.minimum((now + 1) / warm_up, 1.0) * cooled

        def get_config(self) -> dict[str, Any]:
            return {}

    kinds = {"adamw": keras.optimizers.AdamW, "sgd": keras.optimizers.SGD}
    more = {"momentum": 0.9, "nesterov": True} if recipe.name == "sgd" else {}
    return kinds[recipe.name](
        Schedule(),
        weight_decay=recipe.weight_decay or None,
        global_clipnorm=recipe.clip_norm,
        use_ema=recipe.ema is not None,
        ema_momentum=recipe.ema or 0.99,
        **more,
    )


def run_local(
    state: TrainingState,
    batches: Iterable[Batch],
    test: Batch | None,
    *,
    strategy: tf.distribute.Strategy,
    iterations: int,
    testing_step: int,
) -> Generator[StepReport]:
    """Train on this machine, one batch per step, from the current step of `state` to step `iterations`.

    Raises DatasetError (`loss`) if the loss is not finite.
    """
    train_step, test_step = _compile(state, strategy)
    supply = iter(batches)
    began = time.perf_counter()
    for step in range(state.done + 1, iterations + 1):
        asked = time.perf_counter()
        batch = next(supply)
        waited = time.perf_counter() - asked
        returned, learning_rate = train_step(*batch)
        loss = float(returned)
        check_loss(loss, step)
        is_due = step % testing_step == 0 or step == iterations
        now = time.perf_counter()
        took, began = now - began, now
        yield StepReport(
            step=step,
            loss=loss,
            learning_rate=float(learning_rate),
            examples_per_s=len(batch.features) / took,
            input_wait=waited / took,
            of=iterations,
            test_loss=float(test_step(*test)) if test is not None and is_due else None,
        )


def check_loss(loss: float, step: int) -> None:
    """Raises DatasetError (`loss`) if `loss` is not finite: the training cannot recover."""
    if not math.isfinite(loss):
        raise DatasetError(f"The loss is {loss} after {step} steps.", hint="Reduce --learning-rate.", code="loss")


CompiledSteps = tuple[Callable[..., Any], Callable[..., Any]]


def _compile(state: TrainingState, strategy: tf.distribute.Strategy) -> CompiledSteps:
    """The training step, divided among the replicas of the strategy, and the test step."""
    import tensorflow as tf

    replicas = strategy.num_replicas_in_sync

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]  # TensorFlow has no types
    def train_step(features: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        learning_rate = tf.identity(state.optimizer.learning_rate)
        if replicas == 1:
            return state.train_step(features, targets), learning_rate
        pieces = [(features[k::replicas], targets[k::replicas]) for k in range(replicas)]
        mine = strategy.experimental_distribute_values_from_function(
            lambda context: pieces[context.replica_id_in_sync_group]
        )
        losses = strategy.run(state.train_step, args=(*mine, 1 / replicas))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None), learning_rate

    return train_step, tf.function(state.mean_cost, reduce_retracing=True)
