"""Worker 0: schedules the steps of all workers and reports each of them."""

from __future__ import annotations

import logging
import socket
import time
from collections import deque
from collections.abc import Generator
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.backends.base import MakeBatches
from trainer.backends.cluster import rpc
from trainer.backends.cluster.errors import already_coordinated, translate_errors
from trainer.backends.cluster.handshake import Handshake
from trainer.backends.cluster.reachability import wait_until_reachable, why_silent
from trainer.backends.cluster.server import ClusterServer
from trainer.data.source import Batch
from trainer.loop import StepReport, TrainingState, check_loss
from trainer.models import Build
from trainer.topology import Cluster

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

SCHEDULED_AHEAD = 2
"""Steps per worker that are scheduled before the first has returned."""

RATE_OVER = 20
"""Steps per worker that `examples_per_s` is averaged over, since steps of several workers end at the same time."""


class ClusterBackend:
    """Trains with all processes of a cluster, as worker 0 of it."""

    io_device = "/job:chief/replica:0/task:0/device:CPU:0"
    """This process. A parameter server would write its part of a checkpoint to its own disk."""

    def __init__(self, cluster: Cluster, *, pause_step: int) -> None:
        """Find the other processes and become their coordinator. Every `pause_step` steps, all workers pause.

        Raises ClusterError: `cluster_taken` if there is a coordinator already, `cluster_unreachable` naming processes
        that do not answer within 30 s, or that are something else.
        """
        if why_silent(cluster.me.address) is None:
            raise already_coordinated(cluster.me.address)
        self._cluster, self._pause_step = cluster, pause_step
        self._handshake = Handshake(cluster)
        wait_until_reachable(cluster.others, look=self._handshake.raise_reason)
        self._server = ClusterServer(cluster)
        for member in cluster.others:
            self._handshake.check(member)
        self._handshake.lead()

    @property
    def part(self) -> tuple[int, int]:
        return self._cluster.index, len(self._cluster.workers)

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        """Wait until the other processes have read their data, and connect to all of them.

        Raises ClusterError (`cluster_data`) if the data of a worker differ from `about`.
        """
        import tensorflow as tf

        self._server.supply(make, about=about)
        self._handshake.wait_for_data(about)
        spec = tf.train.ClusterSpec({**self._server.spec.as_dict(), "chief": [_own_address(self._cluster)]})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="chief", task_id=0, rpc_layer="grpc"
        )
        self._strategy = tf.distribute.ParameterServerStrategy(resolver)
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(self._strategy)
        return self._strategy

    def build(self, build: Build) -> Build:
        """Returns `build` with large kernels in shards, which go to one parameter server after another."""
        from trainer.backends.cluster.sharded_dense import sharded

        return sharded(build)

    def gather_weights(self, state: TrainingState, build: Build) -> TrainingState:
        from trainer.backends.cluster.sharded_dense import whole_weights

        model = build(state.model.input_shape[1:], state.model.output_shape[-1])
        for variable, value in zip(model.weights, whole_weights(state.model), strict=True):
            variable.assign(value)
        return TrainingState(
            model,
            state.optimizer,
            state.step,
            heads=state.heads,
            activation=state.activation,
            label_smoothing=state.label_smoothing,
        )

    def push_weights(self, local: TrainingState, state: TrainingState) -> None:
        from trainer.backends.cluster.sharded_dense import set_whole_weights

        set_whole_weights(state.model, [np.asarray(weight) for weight in local.model.weights])

    def run(
        self, state: TrainingState, test: Batch | None, *, iterations: int, testing_step: int
    ) -> Generator[StepReport]:
        """Train from the current step of `state` to step `iterations`, all workers at once, each on its part of the
        data.

        Steps are reported as they return. At each `testing_step` and `pause_step`, and when the generator is closed,
        the workers pause, so that what is validated or saved then is exactly the state of that step. Raises
        DatasetError (`loss`) if the loss is not finite.
        """
        train_step, test_step = self._compile(state)
        done = state.done
        ends: deque[float] = deque([time.perf_counter()], maxlen=1 + RATE_OVER * len(self._cluster.workers))
        while done < iterations:
            pause = min(iterations, *(done - done % every + every for every in (testing_step, self._pause_step)))
            with closing(self._round(train_step, done, pause)) as results:
                for loss, learning_rate, examples, waited in results:
                    done += 1
                    ends.append(time.perf_counter())
                    check_loss(loss, done)
                    if done == pause:
                        _count_once(state, done)
                    is_due = done % testing_step == 0 or done == iterations
                    yield StepReport(
                        step=done,
                        loss=loss,
                        learning_rate=learning_rate,
                        examples_per_s=examples * (len(ends) - 1) / (ends[-1] - ends[0]),
                        input_wait=waited,
                        of=iterations,
                        test_loss=float(test_step(*test)) if test is not None and is_due else None,
                    )

    def _round(self, train_step: Any, start: int, stop: int) -> Generator[list[float]]:
        """Steps `start` to `stop`, at most `SCHEDULED_AHEAD` per worker at once. When it is closed, none is running."""
        import tensorflow as tf

        waiting: deque[Any] = deque()
        scheduled, reported = start, [0.0] * 4
        try:
            while scheduled < stop or waiting:
                while scheduled < stop and len(waiting) < SCHEDULED_AHEAD * len(self._cluster.workers):
                    waiting.append(self._schedule(train_step, scheduled))
                    scheduled += 1
                reported = _fetch(waiting.popleft()) or reported
                yield reported
        except tf.errors.OpError:
            waiting.clear()
            raise
        finally:
            if waiting:
                self._coordinator.join()

    def _schedule(self, train_step: Any, number: int) -> Any:
        import tensorflow as tf

        return self._coordinator.schedule(train_step, args=(tf.constant(number, tf.int64),))

    def _compile(self, state: TrainingState) -> tuple[Any, Any]:
        """The training step, which makes its batch on the worker that runs it, and the test step."""
        import tensorflow as tf

        shapes = (state.model.input_shape, (None, state.outputs))

        @tf.function(autograph=False)  # type: ignore[untyped-decorator]  # TensorFlow has no types
        def train_step(number: tf.Tensor) -> tf.Tensor:
            features, targets, waited = rpc.remote_op("batch", "", number, [tf.float32] * 3)
            features.set_shape(shapes[0])
            targets.set_shape(shapes[1])
            rate = tf.identity(state.optimizer.learning_rate)
            loss = self._strategy.run(state.train_step, args=(features, targets))
            return tf.stack([loss, rate, tf.cast(tf.shape(features)[0], tf.float32), waited])

        return train_step, tf.function(state.mean_cost, autograph=False, reduce_retracing=True)

    def translate_errors(self) -> AbstractContextManager[None]:
        return translate_errors()

    def shutdown(self) -> None:
        self._handshake.end()


def _fetch(result: Any) -> list[float] | None:
    """The values of a step. None if it was made, but its worker was lost before it returned them."""
    import tensorflow as tf

    try:
        return [float(value) for value in result.fetch()]
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        if "/job:worker" not in str(error) or "/job:ps" in str(error):
            raise
        log.info("a worker was lost before it reported its last step")
        return None


def _count_once(state: TrainingState, done: int) -> None:
    """Set the step counter to `done` while no step is running: a step of a lost worker may have been counted twice."""
    counted = state.done
    if counted > done:
        log.warning("%d steps of lost workers were repeated", counted - done)
        state.step.assign(done)


def _own_address(cluster: Cluster) -> str:
    """Where the others reach this process as the coordinator: the host of its worker, at a free port.

    By default TensorFlow announces "localhost", which a server on another machine would look for on its own.
    """
    host = cluster.me.address.rpartition(":")[0]
    with socket.create_server(("", 0)) as listener:
        port: int = listener.getsockname()[1]
    return f"{host}:{port}"
