"""Running a trained network by ONNX Runtime, for programs that ask it now and then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tidzam.audio.features import Float32


def run_onnx(path: Path, features: Float32, *, batch: int = 256) -> Float32:
    """The probabilities that an ONNX file gives for `features`, shape (n, frames, mels): shape (n, classes).

    `batch` windows are run at once.
    """
    run = open_onnx(path)
    return np.concatenate([run(features[start : start + batch]) for start in range(0, max(1, len(features)), batch)])


def open_onnx(path: Path) -> Callable[[Float32], Float32]:
    """An ONNX file as a function from features, shape (n, frames, mels), to probabilities, shape (n, classes)."""
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(features: Float32) -> Float32:
        probabilities: Float32 = session.run(None, {name: features})[0]
        return probabilities

    return run
