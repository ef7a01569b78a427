"""From a trained network to a bundle, its two engines checked against each other."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tidzam.bundle import FILE_NAMES, Bundle, BundleManifest, write_bundle
from tidzam.errors import BundleError
from tidzam.inference.loading import run_onnx
from tidzam.types import Float32
from trainer.heads import Head
from trainer.models import Activation

if TYPE_CHECKING:
    import keras

MAX_DIFFERENCE = 1e-4


def classifier(
    model: keras.Model, head: Head, *, outputs: int, activation: Activation, temperature: float
) -> keras.Model:
    """A network of probabilities, shape (n, classes of `head`), from a trained one of logits.

    `outputs` is the number of classes of all heads; a `model` with more has several members, whose mean counts. Their
    weights are shared. The new layers are called `head` (if other heads or members are there), `temperature` and
    `probabilities`.
    """
    import keras
    from keras import layers

    said = model.output
    width = said.shape[-1]
    if width != len(head.classes):
        chosen = layers.Dense(len(head.classes), use_bias=False, trainable=False, name="head")
        said = chosen(said)
        one = np.eye(outputs, dtype=np.float32)[:, head.start : head.stop]
        chosen.set_weights([np.tile(one, (width // outputs, 1)) * (outputs / width)])
    said = layers.Rescaling(1 / temperature, name="temperature")(said)
    said = layers.Activation(activation, name="probabilities")(said)
    return keras.Model(model.input, said)


def export(
    model: keras.Model,
    manifest: BundleManifest,
    examples: Float32,
    folder: Path,
    *,
    write_extras: Callable[[Path, BundleManifest], object] = lambda folder, manifest: None,
) -> Bundle:
    """Write `model`, a `classifier`, as a bundle with Keras weights and ONNX.

    `examples`, shape (n, frames, mels), are run by both. Raises BundleError if any probability differs by more than
    `MAX_DIFFERENCE`.
    """
    with tempfile.TemporaryDirectory() as temporary:
        onnx, keras_file = Path(temporary) / FILE_NAMES["onnx"], Path(temporary) / FILE_NAMES["keras"]
        expected = np.asarray(model(examples, training=False))  # also builds what the export needs
        model.save(keras_file)
        with _quiet():
            model.export(onnx, format="onnx", verbose=False)
        difference = float(np.max(np.abs(expected - run_onnx(onnx, examples))))
        if not difference <= MAX_DIFFERENCE:
            raise BundleError(
                f"The ONNX file differs from the trained network by {difference:.1e}.",
                hint="Report it, with the versions of tf2onnx and onnxruntime.",
                code="bundle_export",
            )
        return write_bundle(folder, manifest, {"onnx": onnx, "keras": keras_file}, write_extras=write_extras)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the converter's prints and its passing warnings to itself."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
