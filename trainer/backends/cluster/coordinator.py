"""Worker 0: finds the others, is the only one to tell them what to do, and reports each step that one of them made."""

from __future__ import annotations

import json
import logging
import math
import re
import socket
import time
from collections import deque
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tidzam import __version__
from tidzam.errors import ClusterError, TidzamError
from trainer.backends.base import MakeBatches
from trainer.backends.cluster import rpc
from trainer.backends.cluster.reachability import wait_until_reachable, why_silent
from trainer.backends.cluster.server import ClusterServer, other_data
from trainer.data.source import Batch
from trainer.loop import StepReport, TrainingState, check_loss
from trainer.models import Build
from trainer.topology import Cluster, Member

if TYPE_CHECKING:
    import tensorflow as tf

log = logging.getLogger(__name__)

AHEAD = 2
"""Steps that are scheduled for each worker before the first has come back."""

DATA_POLL_S = 0.5
_OUR_ERRORS = {error.__name__: error for error in TidzamError.__subclasses__()}
"""Tidzam's errors by their names, which TensorFlow quotes."""
RATE_OVER = 20
"""Steps that `examples_per_s` looks back on, for each worker: one step alone says nothing, they end together."""


class Coordinator:
    """The one that trains with all of the cluster, as a `Backend`."""

    io_device = "/job:chief/replica:0/task:0/device:CPU:0"
    """This process: a server would write its part of a checkpoint to its own disk."""

    def __init__(self, cluster: Cluster, *, pause_step: int) -> None:
        """Find the others and lead them. Every `pause_step` steps, none is under way for a moment.

        Raises ClusterError: `cluster_taken` if there is a coordinator already, `cluster_unreachable` naming those
        that do not answer within 30 s, or that are something else.
        """
        if why_silent(cluster.me.address) is None:
            raise _taken(cluster.me.address)
        self._cluster, self._pause_step = cluster, pause_step
        first = cluster.servers[0]
        wait_until_reachable(cluster.others, look=self._look_for_reason)
        self._server = ClusterServer(cluster)
        for member in cluster.others:
            self._check_is(member)
        leader = rpc.request(first, "claim", cluster.me.address)
        if leader != cluster.me.address:
            raise _taken(leader)

    @property
    def part(self) -> tuple[int, int]:
        return self._cluster.index, len(self._cluster.workers)

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        """Wait until the others have read their data, and connect with them all.

        Raises ClusterError (`cluster_data`) if a worker's data are not what these are `about`.
        """
        import tensorflow as tf

        self._server.supply(make, about=about)
        for member in self._cluster.others:
            self._ask_again(member, "claim", self._cluster.me.address)
            if member.job == "worker":
                self._check_data(member, about)
        rpc.request(self._cluster.servers[0], "train", about)  # so that one who comes later can ask
        spec = tf.train.ClusterSpec({**self._server.spec.as_dict(), "chief": [_own_address(self._cluster)]})
        resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
            spec, task_type="chief", task_id=0, rpc_layer="grpc"
        )
        self._strategy = tf.distribute.ParameterServerStrategy(resolver)
        self._coordinator = tf.distribute.coordinator.ClusterCoordinator(self._strategy)
        return self._strategy

    def build(self, build: Build) -> Build:
        """Builds what `build` does, with large kernels in parts, one to a parameter server."""
        from trainer.backends.cluster.sharded_dense import partitioned

        return partitioned(build)

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

    def push_weights(self, home: TrainingState, state: TrainingState) -> None:
        from trainer.backends.cluster.sharded_dense import set_whole_weights

        set_whole_weights(state.model, [np.asarray(weight) for weight in home.model.weights])

    def run(
        self, state: TrainingState, test: Batch | None, *, iterations: int, testing_step: int
    ) -> Generator[StepReport]:
        """Train from the trainee's own step to `iterations`, all workers at once, each on its part of the data.

        The steps are reported as they come back. At each `testing_step` and `pause_step` the workers pause, so that
        what is measured and saved then is of exactly that step; and whenever this is left. Raises DatasetError
        (`loss`) if the loss is no longer a number.
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
        """Steps `start` to `stop`, at most `AHEAD` a worker at once. When it is left, none is under way."""
        import tensorflow as tf

        waiting: deque[Any] = deque()
        scheduled, said = start, [0.0] * 4
        try:
            while scheduled < stop or waiting:
                while scheduled < stop and len(waiting) < AHEAD * len(self._cluster.workers):
                    waiting.append(self._schedule(train_step, scheduled))
                    scheduled += 1
                said = _fetch(waiting.popleft()) or said
                yield said
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
        """The training step, which makes its batch where it runs, and the test step."""
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

    @contextmanager
    def translate_errors(self) -> Iterator[None]:
        """Raises ClusterError (`cluster_lost`) if a parameter server is gone, DatasetError for a worker's data.

        A lost worker is no error: another makes its steps.
        """
        import tensorflow as tf

        try:
            yield
        except tf.errors.OpError as error:
            text = str(error)
            server = re.search(r"/job:ps/replica:0/task:(\d+)", text)
            if isinstance(error, (tf.errors.UnavailableError, tf.errors.AbortedError)) or server:
                which = f"Parameter server {server[1]}" if server else "A parameter server"
                raise ClusterError(
                    f"{which} is gone, and with it the weights since the last checkpoint.",
                    hint="Start it again, and train with --resume.",
                    code="cluster_lost",
                ) from None
            if found := re.search(rf"\b({'|'.join(_OUR_ERRORS)}): (.+)", text):
                raise _OUR_ERRORS[found[1]](found[2]) from None
            raise

    def _check_is(self, member: Member) -> None:
        """Raises ClusterError if `member` answers as another process, with another version, or with a fault."""
        job, index, version, _, fault = (*json.loads(rpc.request(member, "hello")), "")[:5]
        if (job, index) != (member.job, member.index):
            raise ClusterError(
                f"{member.address} is {job} {index}, not {member.job} {member.index}.",
                hint="Give every process the same --ps and --workers.",
                code="cluster_unreachable",
            )
        if version != __version__:
            raise ClusterError(
                f"{member} runs Tidzam {version}, but this machine runs {__version__}.",
                hint="Install one version everywhere.",
                code="cluster_version",
            )
        if fault:
            raise _ended(member, fault)

    def _check_data(self, member: Member, about: str) -> None:
        """Wait until a worker has read its data. Raises ClusterError if they differ, or with the reason if it ended."""
        announced = False
        while True:
            _, _, _, theirs, fault = json.loads(self._ask_again(member, "hello"))
            if fault:
                raise _ended(member, fault)
            if theirs:
                break
            if not announced:
                log.info("waiting for %s to read its data", member)
                announced = True
            time.sleep(DATA_POLL_S)
        if theirs != about:
            raise other_data(member, theirs, about)

    def _ask_again(self, member: Member, verb: str, text: str = "") -> str:
        """Ask a member that answered before. Raises ClusterError with the reason why it ended, if that is known."""
        try:
            return rpc.request(member, verb, text)
        except ClusterError:
            self._look_for_reason(member, math.inf)
            raise ClusterError(
                f"{member} answered before, and no longer does.",
                hint="See its last messages, and start it again.",
                code="cluster_lost",
            ) from None

    def _look_for_reason(self, member: Member, waited_s: float) -> None:
        """Raises ClusterError if a worker ended, and reported the reason to the first parameter server.

        A reason from before `waited_s` may be that of an earlier attempt.
        """
        first = self._cluster.servers[0]
        if member == first or why_silent(first.address) is not None:
            return
        reason, ago_s = json.loads(rpc.request(first, "why", str(member)))
        if reason and ago_s <= waited_s:
            raise _ended(member, reason)

    def shutdown(self) -> None:
        """Tell the others that the training is over, so that they end."""
        for member in self._cluster.others:
            try:
                rpc.request(member, "leave")
            except ClusterError as error:
                log.warning("%s", error)


def _fetch(result: Any) -> list[float] | None:
    """What a step tells. None if it was made, and its worker was lost before it could tell."""
    import tensorflow as tf

    try:
        return [float(value) for value in result.fetch()]
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        if "/job:worker" not in str(error) or "/job:ps" in str(error):
            raise
        log.info("a worker was lost with what its last step told")
        return None


def _count_once(state: TrainingState, done: int) -> None:
    """Have `step` say `done`, while none is under way: one that a lost worker counted may have been made again."""
    counted = state.done
    if counted > done:
        log.warning("%d steps were begun by workers that were lost, and made again", counted - done)
        state.step.assign(done)


def _own_address(cluster: Cluster) -> str:
    """Where the others can reach this process while it coordinates: as a worker, but at a port that is free now.

    Left to itself TensorFlow says "localhost", and a server on another machine then asks there for what it needs.
    """
    host = cluster.me.address.rpartition(":")[0]
    with socket.create_server(("", 0)) as listener:
        port: int = listener.getsockname()[1]
    return f"{host}:{port}"


def _ended(member: Member, reason: str) -> ClusterError:
    """`member` ended before the training began; `reason` is its own message, remedy included."""
    return ClusterError(f"{member} ended: {reason}", code="cluster_member")


def _taken(address: str) -> ClusterError:
    return ClusterError(
        f"{address} coordinates this cluster already.",
        hint="Wait for it, or end it: a cluster has one worker 0.",
        code="cluster_taken",
    )
