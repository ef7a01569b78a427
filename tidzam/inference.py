"""Running a trained network by ONNX Runtime, for programs that ask it now and then."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tidzam.audio.features import Float32


def run_onnx(path: Path, features: Float32, *, batch: int = 256) -> Float32:
    """The probabilities that an ONNX file gives for `features`, shape (n, frames, mels): shape (n, classes).

    `batch` windows are run at once.
    """
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    pieces = [features[start : start + batch] for start in range(0, max(1, len(features)), batch)]
    return np.concatenate([session.run(None, {name: piece})[0] for piece in pieces])
