"""Summaries of a training for TensorBoard: scalars every `every` steps, everything else every tenth time.

OUT.training/summaries/
  train/        the training itself, and a sample of its examples without augmentation; graph, profile
  validation/   a sample of the validation examples; embeddings for the projector
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from tidzam.audio.features import FeatureSpec
from tidzam.metrics import Metrics, compute_metrics
from tidzam.types import Float32
from trainer.evaluation import plots
from trainer.evaluation.calibration import DEFAULT_THRESHOLD, probabilities_of
from trainer.evaluation.predictions import Examples
from trainer.options import NB_EMBEDDINGS, STATS_STEP
from trainer.tensorboard import figures, layers, mistakes, projector
from trainer.tensorboard.graph import TRACED_STEPS, Profile, write_graph

if TYPE_CHECKING:
    from trainer.heads import Head
    from trainer.loop import StepReport, TrainingState

log = logging.getLogger(__name__)

RICH_EVERY = 10
"""One summary in this many, and the last one, include images, histograms, audio and embeddings."""
EXAMPLES = 256
"""Number of training and of validation examples that metrics are computed on."""
SHOWN = 4
"""Number of examples whose feature maps are shown."""
MISCLASSIFIED = 8
"""Number of misclassified examples with audio."""
TRACED = 32
"""Number of examples in the training step whose graph is written."""
PR_THRESHOLDS = 101
MAPS = 32


@dataclass(frozen=True)
class _Side:
    """Training or validation: its examples, and where their summaries are written."""

    examples: Examples
    writer: Any
    folder: Path


class Summaries:
    """Writes summaries. Call `watch` with every report, then `close`. `last` is the number of the last step."""

    def __init__(
        self,
        folder: Path,
        state: TrainingState,
        spec: FeatureSpec,
        *,
        train: Examples,
        validation: Examples,
        last: int,
        every: int = STATS_STEP,
        nb_embeddings: int = NB_EMBEDDINGS,
    ) -> None:
        self._state, self._spec = state, spec
        self._every, self._last, self._nb_embeddings = every, last, nb_embeddings
        self._train = _open_side(folder / "train", train)
        self._validation = _open_side(folder / "validation", validation)
        self._profile = Profile(folder / "train")
        self._since: list[StepReport] = []
        self._drew_graph = False
        self._failed = False

    def watch(self, report: StepReport) -> None:
        """Write the summaries that are due after this step. If that fails, a warning is logged once."""
        self._since.append(report)
        with self._logging_errors():
            self._profile.step()
            if report.step % self._every == 0 or report.step == self._last:
                self._write(report.step)
                self._since.clear()

    def close(self) -> None:
        with self._logging_errors():
            self._profile.close()
            self._train.writer.close()
            self._validation.writer.close()

    @contextmanager
    def _logging_errors(self) -> Iterator[None]:
        import tensorflow as tf

        try:
            yield
        except (OSError, tf.errors.ResourceExhaustedError, tf.errors.PermissionDeniedError) as error:
            if not self._failed:
                log.warning("summaries are incomplete, because they cannot be written: %s", error)
            self._failed = True

    def _write(self, step: int) -> None:
        rich = step % (RICH_EVERY * self._every) == 0 or step == self._last
        with self._train.writer.as_default(step=step):
            self._write_progress()
            if first := not self._drew_graph:
                write_graph(self._state, self._train.examples.batch.first(TRACED), step)
                self._drew_graph = True
            if rich:
                self._write_weights()
        for side in (self._train, self._validation):
            logits = self._state.logits(side.examples.batch.features)
            with side.writer.as_default(step=step):
                self._write_metrics(side.examples, logits, rich=rich)
            side.writer.flush()
        if rich:
            with self._validation.writer.as_default(step=step):
                self._write_maps()
            self._write_embeddings(step)
        if first and step + TRACED_STEPS <= self._last:
            self._profile.start()

    def _write_progress(self) -> None:
        """Scalars of the steps since the last summary."""
        import tensorflow as tf

        of = {name: [getattr(report, name) for report in self._since] for name in ("loss", "examples_per_s")}
        tf.summary.scalar("progress/batch_cost", np.mean(of["loss"]))
        tf.summary.scalar("progress/examples_per_s", np.median(of["examples_per_s"]))
        tf.summary.scalar("progress/input_wait", np.mean([report.input_wait for report in self._since]))
        tf.summary.scalar("progress/learning_rate", self._since[-1].learning_rate)
        tf.summary.scalar("memory/resident_mb", psutil.Process().memory_info().rss / 1e6)
        for gpu in tf.config.list_logical_devices("GPU"):
            name = gpu.name.removeprefix("/device:")
            used = tf.config.experimental.get_memory_info(name)
            tf.summary.scalar(f"memory/{name}_peak_mb".replace(":", ""), used["peak"] / 1e6)

    def _write_weights(self) -> None:
        import tensorflow as tf

        for variable in self._state.model.weights:
            tf.summary.histogram(f"weights/{variable.path}", np.asarray(variable))
        kernels = layers.first_kernels(self._state.model)
        if kernels is not None:
            tf.summary.image("kernels/first_layer", figures.kernel_grid(kernels)[None])

    def _write_metrics(self, examples: Examples, logits: Float32, *, rich: bool) -> None:
        import tensorflow as tf

        cost = self._state.cost(tf.constant(examples.batch.targets), tf.constant(logits))
        tf.summary.scalar("cost", tf.reduce_mean(cost))
        for head, prefix, used in self._heads(examples):
            targets = examples.batch.targets[used, head.start : head.stop]
            predicted = probabilities_of(logits[used, head.start : head.stop], self._state.activation)
            thresholds = dict.fromkeys(head.classes, DEFAULT_THRESHOLD)
            metrics = compute_metrics(targets, predicted, head.classes, thresholds=thresholds)
            _write_scalars(prefix, metrics)
            if rich:
                _write_curves(prefix, head, targets, predicted)
                confusion = plots.confusion_matrix(metrics.clips.confusion, head.classes)
                tf.summary.image(f"{prefix}confusion", _picture(confusion))
                self._write_mistakes(prefix, head, examples, used, predicted)

    def _heads(self, examples: Examples) -> Iterator[tuple[Head, str, Any]]:
        """Each head, its prefix (empty if it is the only one), and the numbers of the examples that it runs for."""
        heads = self._state.heads
        for head in heads:
            targets = examples.batch.targets[:, head.start : head.stop]
            used = np.flatnonzero(targets.sum(axis=1) > 0) if not head.always else np.arange(len(targets))
            if len(used):
                yield head, f"{head.name}/" if len(heads) > 1 else "", used

    def _write_mistakes(self, prefix: str, head: Head, examples: Examples, used: Any, predicted: Any) -> None:
        import tensorflow as tf

        targets = examples.batch.targets[used, head.start : head.stop]
        origins = [examples.origins[k] for k in used]
        found = mistakes.find_mistakes(targets, predicted, most=MISCLASSIFIED)
        tf.summary.text(f"{prefix}mistaken", mistakes.table(found, origins, head.classes))
        for number, mistake in enumerate(found, start=1):
            origin, name = origins[mistake.example], f"{prefix}mistaken/{number}"
            words = mistakes.describe(mistake, origin, head.classes)
            picture = figures.enlarged(figures.spectrogram(examples.batch.features[used[mistake.example]]), 3)
            tf.summary.image(f"{name}/spectrogram", picture[None], description=words)
            audio = mistakes.read_samples(origin, self._spec.window_s)
            if audio is not None:
                samples, rate_hz = audio
                tf.summary.audio(f"{name}/sound", samples[None, :, None], rate_hz, description=words)

    def _write_maps(self) -> None:
        """The feature maps of the first convolution for some examples, of different classes if possible."""
        import tensorflow as tf

        maker = layers.first_maps(self._state.model)
        batch = self._validation.examples.batch
        if maker is None:
            return
        _, first = np.unique(batch.targets, axis=0, return_index=True)
        for k in first[:SHOWN]:
            name = f"feature_maps/{self._label(batch.targets[k])}"
            maps = np.asarray(maker(batch.features[k : k + 1], training=False))[0]
            if maps.ndim == 2:
                maps = maps[:, None, :]
            tf.summary.image(f"{name}/input", figures.enlarged(figures.spectrogram(batch.features[k]), 3)[None])
            tf.summary.image(name, figures.enlarged(figures.map_grid(maps[:, :, :MAPS]), 2)[None])

    def _write_embeddings(self, step: int) -> None:
        examples = self._validation.examples
        batch = examples.batch.first(self._nb_embeddings)
        maker = layers.embedding(self._state.model)
        if maker is None or not len(batch.features):
            return
        vectors = projector.pooled(np.asarray(maker(batch.features, training=False)))
        rows = [
            (self._label(target), origin.file, f"{origin.offset_s:.2f}", str(step))
            for target, origin in zip(batch.targets, examples.origins, strict=False)
        ]
        header = ("class", "file", "offset_s", "step")
        projector.write_embeddings(self._validation.folder, vectors, batch.features, header=header, labels=rows)

    def _label(self, target: Float32) -> str:
        """The class of an example; with experts the deepest one, since heads come after those of their parents."""
        names = [label for head in self._state.heads for label in head.classes]
        held = np.flatnonzero(target >= 0.5)
        return names[held[-1]] if len(held) else "background"


def _open_side(folder: Path, examples: Examples) -> _Side:
    import tensorflow as tf

    folder.mkdir(parents=True, exist_ok=True)
    return _Side(examples, tf.summary.create_file_writer(str(folder)), folder)


def _write_scalars(prefix: str, metrics: Metrics) -> None:
    import tensorflow as tf

    if np.isfinite(metrics.clips.accuracy):
        tf.summary.scalar(f"{prefix}accuracy", metrics.clips.accuracy)
    tf.summary.scalar(f"{prefix}macro_f1", metrics.macro_f1)
    for label, one in metrics.classes.items():
        if one.examples:
            tf.summary.scalar(f"{prefix}precision/{label}", one.precision)
            tf.summary.scalar(f"{prefix}recall/{label}", one.recall)


def _write_curves(prefix: str, head: Head, targets: Float32, predicted: Any) -> None:
    import tensorflow as tf
    from tensorboard.plugins.pr_curve import summary

    for k, label in enumerate(head.classes):
        curve = summary.pb(label, targets[:, k] >= 0.5, predicted[:, k], num_thresholds=PR_THRESHOLDS)
        curve.value[0].tag = f"{prefix}pr/{label}"
        tf.summary.experimental.write_raw_pb(curve.SerializeToString())


def _picture(png: bytes) -> Any:
    """The pixels of a PNG, shape (1, height, width, 3)."""
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(png), format="png")[:, :, :3]
    return np.rint(255 * pixels).astype(np.uint8)[None]
