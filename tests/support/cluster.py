"""A process of a cluster whose training can be verified: each step subtracts exactly one from each weight.

`python -m tests.support.cluster JOB INDEX PS WORKERS ITERATIONS [CHECKPOINTS [resume]]` is a parameter server, a worker
or, as worker 0, the coordinator, which prints its counts as a line of JSON. Ctrl-C ends its training early. For a
worker, ITERATIONS may be a description of other data; with `fails` it cannot read its data.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.errors import DatasetError, TidzamError
from tidzam.log import set_up_logging
from trainer.backends.cluster.coordinator import ClusterBackend
from trainer.backends.cluster.server import ClusterServer
from trainer.data.source import Batch
from trainer.signals import stop_signals
from trainer.topology import Cluster, parse_cluster

STEP_S = 0.02
READING_S = 5.0
"""Time that a worker takes to read its data, while it can already be reached."""


def batches(index: int, start: int) -> Iterator[Batch]:
    """Batches with the index of their worker and their number."""
    number = start
    while True:
        time.sleep(STEP_S)
        yield Batch(np.full((2, 3, 1), index, np.float32), np.full((2, 1), number, np.float32))
        number += 1


def main() -> None:
    job, index, ps, workers, iterations, *places = sys.argv[1:]
    cluster = parse_cluster(job_type=job, task_index=int(index), ps=ps, workers=workers)
    set_up_logging("warning")
    logging.getLogger("trainer").setLevel("INFO")
    if cluster.coordinates:
        print(json.dumps(coordinate(cluster, int(iterations), places)), flush=True)
        return
    server = ClusterServer(cluster)
    time.sleep(READING_S)
    if iterations == "fails":
        server.fail("a.wav is damaged. Replace it.")
        raise DatasetError("a.wav is damaged.", hint="Replace it.")
    about = "ones" if iterations.isdecimal() else iterations
    server.supply(lambda start: batches(cluster.index, start), about=about)
    server.wait()


def coordinate(cluster: Cluster, iterations: int, places: list[str]) -> dict[str, Any]:
    coordinator = ClusterBackend(cluster, pause_step=100)
    with coordinator.translate_errors():
        return train(coordinator, iterations, places)


def three_weights_and_a_bias(shape: tuple[int, int], outputs: int) -> Any:
    import keras

    layers = [keras.Input(shape), keras.layers.Flatten(), keras.layers.Dense(outputs, kernel_initializer="zeros")]
    return keras.Sequential(layers)


def train(coordinator: ClusterBackend, iterations: int, places: list[str]) -> dict[str, Any]:
    import keras
    import tensorflow as tf

    from trainer.backends.cluster.sharded_dense import FLOAT_BYTES, sharded
    from trainer.checkpoints import Checkpoints
    from trainer.heads import Head
    from trainer.loop import TrainingState

    class Descending(TrainingState):
        """Its gradient is one for any batch."""

        def cost(self, targets: Any, logits: Any) -> Any:
            return logits[:, 0] * 0 + tf.add_n([tf.reduce_sum(v) for v in self.model.trainable_variables])

    strategy = coordinator.join(lambda start: batches(0, start), about="ones")
    with strategy.scope():
        only_first = tf.VariableAggregation.ONLY_FIRST_REPLICA
        step = tf.Variable(0, dtype=tf.int64, trainable=False, aggregation=only_first)
        model = sharded(three_weights_and_a_bias, shard_bytes=FLOAT_BYTES)((3, 1), 1)
        optimizer = keras.optimizers.SGD(1.0)
        optimizer.build(model.trainable_variables)
        state = Descending(model, optimizer, step, heads=[Head("one", ("one",))], activation="sigmoid")
    checkpoints = Checkpoints(Path(places[0]), state, every=100, io_device=coordinator.io_device) if places else None
    began = checkpoints.resume() if checkpoints and "resume" in places else 0
    reports = []
    with (
        stop_signals() as asked,
        closing(coordinator.run(state, None, iterations=iterations, testing_step=100)) as steps,
    ):
        for report in steps:
            reports.append(report)
            if report.step % 100 == 0:
                print(f"step {report.step}", file=sys.stderr, flush=True)
            if checkpoints:
                checkpoints.watch(report)
            if asked():
                break
    weights = [float(value) for variable in model.trainable_variables for value in np.ravel(variable.numpy())]
    counted = {
        "began": began,
        "step": state.done,
        "weights": weights,
        "keras": int(optimizer.iterations.numpy()),
        "reports": len(reports),
        "servers": sorted(variable.value.device for variable in model.trainable_variables),
    }
    coordinator.shutdown()
    return counted


if __name__ == "__main__":
    try:
        main()
    except TidzamError as error:
        print(f"trainer: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    except BaseException:  # noqa: BLE001  # the process must end in spite of TensorFlow's threads
        traceback.print_exc()
        os._exit(3)
    os._exit(0)
