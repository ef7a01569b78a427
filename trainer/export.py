"""From a trained network to a bundle, its two engines checked against each other."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tidzam.audio.features import Float32
from tidzam.bundle import FILE_NAMES, Bundle, Manifest, write_bundle
from tidzam.errors import BundleError

if TYPE_CHECKING:
    import keras

MAX_DIFFERENCE = 1e-4


def export(model: keras.Model, manifest: Manifest, examples: Float32, folder: Path) -> Bundle:
    """Write `model` as a bundle, with Keras weights and ONNX.

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
        if difference > MAX_DIFFERENCE:
            raise BundleError(
                f"The ONNX file differs from the trained network by {difference:.1e}.",
                hint="Report it, with the versions of tf2onnx and onnxruntime.",
                code="bundle_export",
            )
        return write_bundle(folder, manifest, {"onnx": onnx, "keras": keras_file})


def run_onnx(path: Path, features: Float32) -> Float32:
    """The probabilities that an ONNX file gives for `features`, shape (n, frames, mels)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    probabilities: Float32 = session.run(None, {session.get_inputs()[0].name: features})[0]
    return probabilities


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
