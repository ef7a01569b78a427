"""The graph of a training step, the time and memory of its operations, and a profile."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.data.source import Batch

if TYPE_CHECKING:
    from trainer.loop import TrainingState

RUN_METADATA_PLUGIN = "graph_run_metadata"
"""The name of TensorBoard's plugin for the costs of a step."""
TRACED_STEPS = 3


def write_graph(state: TrainingState, batch: Batch, step: int) -> None:
    """Write the graph of a training step, and the time, memory and device of each operation, to the default writer.

    One step is run on `batch` with a copy of the weights, which may be on parameter servers. The optimizer is not part
    of the graph.
    """
    import tensorflow as tf

    model = state.model
    weights = [np.asarray(v) for v in model.trainable_variables]
    fixed = [np.asarray(v) for v in model.non_trainable_variables]

    def training_step(weights: Any, fixed: Any, features: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(weights)
            logits, _ = model.stateless_call(weights, fixed, features, training=True)
            cost = tf.reduce_mean(state.cost(targets, logits))
        return cost, tape.gradient(cost, weights)

    arguments = (weights, fixed, batch.features, batch.targets)
    shapes = tf.nest.map_structure(lambda array: tf.TensorSpec(array.shape, array.dtype), arguments)
    concrete = tf.function(training_step).get_concrete_function(*shapes)
    metadata = _run(concrete, [*weights, *fixed, *batch])
    tf.summary.graph(concrete.graph)
    about = tf.compat.v1.SummaryMetadata()
    about.plugin_data.plugin_name, about.plugin_data.content = RUN_METADATA_PLUGIN, b"1"
    tf.summary.write("training_step", tf.constant(metadata.SerializeToString()), step=step, metadata=about)


def _run(concrete: Any, values: list[Any]) -> Any:
    """The RunMetadata of the second run; the first run is slower."""
    import tensorflow as tf

    v1 = tf.compat.v1
    metadata, wanted = v1.RunMetadata(), [output.name for output in concrete.outputs]
    feed = {tensor.name: value for tensor, value in zip(concrete.inputs, values, strict=True)}
    with v1.Session(graph=concrete.graph) as session:
        session.run(wanted, feed)
        session.run(wanted, feed, options=v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), run_metadata=metadata)
    return metadata


class Profile:
    """A profile of a few steps of the training, made once: the activity of each device over time.

    `write_graph` uses TensorFlow's profiler too, which must not run twice at the same time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._left = folder, 0

    def start(self) -> None:
        import tensorflow as tf

        tf.profiler.experimental.start(str(self._folder))
        self._left = TRACED_STEPS

    def step(self) -> None:
        """Call this after each step."""
        if self._left == 1:
            self.close()
        elif self._left:
            self._left -= 1

    def close(self) -> None:
        """Write the profile, if one is being made."""
        import tensorflow as tf

        if self._left:
            self._left = 0
            tf.profiler.experimental.stop()
