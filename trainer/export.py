"""Export of a trained network to a bundle; its Keras and ONNX files are checked against each other."""

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
    """A network with the probabilities of `head`, shape (n, classes), from a trained one with logits.

    It shares the weights of `model`. `outputs` is the number of classes of all heads. A `model` with more outputs is an
    ensemble, whose logits are averaged. The new layers have the names `head` (if there are other heads or members),
    `temperature` and `probabilities`.
    """
    import keras
    from keras import layers

    logits = model.output
    width = logits.shape[-1]
    if width != len(head.classes):
        chosen = layers.Dense(len(head.classes), use_bias=False, trainable=False, name="head")
        logits = chosen(logits)
        one = np.eye(outputs, dtype=np.float32)[:, head.start : head.stop]
        chosen.set_weights([np.tile(one, (width // outputs, 1)) * (outputs / width)])
    scaled = layers.Rescaling(1 / temperature, name="temperature")(logits)
    return keras.Model(model.input, layers.Activation(activation, name="probabilities")(scaled))


def export(
    model: keras.Model,
    manifest: BundleManifest,
    examples: Float32,
    folder: Path,
    *,
    write_extras: Callable[[Path, BundleManifest], object] = lambda folder, manifest: None,
) -> Bundle:
    """Write `model`, a `classifier`, as a bundle with Keras weights and ONNX.

    Both are run on `examples`, shape (n, frames, mels). Raises BundleError if a probability differs by more than
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
                f"The probabilities of ONNX and Keras differ by {difference:.1e}, expected at most {MAX_DIFFERENCE:g}.",
                hint="Report it with the versions of tf2onnx and onnxruntime.",
                code="bundle_export",
            )
        return write_bundle(folder, manifest, {"onnx": onnx, "keras": keras_file}, write_extras=write_extras)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Suppress the output and the warnings of the converter."""
    logger = logging.getLogger("tf2onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)
