"""The network that makes statistics of log-mel features: vectors for an isolation forest, without any training."""

from __future__ import annotations

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from tidzam.audio.features import FeatureSpec
from tidzam.inference.batches import in_batches
from tidzam.inference.engines import ALL_CORES
from tidzam.inference.onnx_engine import OnnxEngine
from tidzam.types import Float32
from trainer.novelty.packages import package
from trainer.novelty.typical_windows import IR_VERSION, OPSETS

BANDS: Final = 8
"""Bands, each the mean of neighboring mel bands: with 64 mel bands, eight of each."""
STATISTICS: Final = 6


class StatisticsNetwork:
    """A network that makes a vector of BANDS * STATISTICS values of the features of a window.

    The mel bands x(t, m), in dB, are averaged to the bands b(t, k). For each of these, over the frames of the window:
    the mean, the standard deviation, the maximum, the minimum, the mean of |b(t + 1, k) - b(t, k)|, which is high for
    impulses, and the mean of |x(t, m + 1) - x(t, m)| over the mel bands of k, which is high for tones.
    """

    def __init__(self, spec: FeatureSpec) -> None:
        """Raises SetupError if the package `onnx` is missing."""
        self.spec = spec
        self.content = statistics_network(spec)
        with TemporaryDirectory(prefix="tidzam-statistics-") as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(self.content)
            self._network = OnnxEngine().load(path, threads=ALL_CORES)

    @property
    def version(self) -> str:
        return hashlib.sha256(repr(self.spec).encode() + self.content).hexdigest()[:12]

    def write(self, path: Path) -> None:
        """Write the network as an ONNX file."""
        path.write_bytes(self.content)

    def embed(self, inputs: Float32) -> Float32:
        """The statistics, float32 (n, BANDS * STATISTICS), of features (n, frames, mels)."""
        return in_batches(self._network.predict, inputs)


def statistics_network(spec: FeatureSpec) -> bytes:
    """An ONNX network: features (n, frames, mels) in dB to the statistics (n, BANDS * STATISTICS).

    Raises SetupError if the package `onnx` is missing.
    """
    onnx = package("onnx", "helper", "numpy_helper")
    helper = onnx.helper
    frames, mels = spec.shape
    constants = {
        "pool": pooling(mels),
        "pool_steps": pooling(mels - 1),
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "frames": np.array([frames], np.int64),
        "frames_less": np.array([frames - 1], np.int64),
        "mels": np.array([mels], np.int64),
        "mels_less": np.array([mels - 1], np.int64),
        "time": np.array([1], np.int64),
        "frequency": np.array([2], np.int64),
    }

    def over_time(operation: str, tensor: str, result: str) -> Any:
        return helper.make_node(operation, [tensor], [result], axes=[1], keepdims=0)

    def step(tensor: str, axis: str, size: str, result: str) -> list[Any]:
        """|difference| of neighbors along an axis."""
        return [
            helper.make_node("Slice", [tensor, "one", size, axis], [f"{result}_next"]),
            helper.make_node("Slice", [tensor, "zero", f"{size}_less", axis], [f"{result}_this"]),
            helper.make_node("Sub", [f"{result}_next", f"{result}_this"], [f"{result}_signed"]),
            helper.make_node("Abs", [f"{result}_signed"], [result]),
        ]

    names = ["mean", "deviation", "highest", "lowest", "change", "contrast"]
    nodes = [
        helper.make_node("MatMul", ["features", "pool"], ["bands"]),
        over_time("ReduceMean", "bands", "mean"),
        helper.make_node("Unsqueeze", ["mean", "time"], ["mean_of_all"]),
        helper.make_node("Sub", ["bands", "mean_of_all"], ["centered"]),
        helper.make_node("Mul", ["centered", "centered"], ["squares"]),
        over_time("ReduceMean", "squares", "variance"),
        helper.make_node("Sqrt", ["variance"], ["deviation"]),
        over_time("ReduceMax", "bands", "highest"),
        over_time("ReduceMin", "bands", "lowest"),
        *step("bands", "time", "frames", "changes"),
        over_time("ReduceMean", "changes", "change"),
        *step("features", "frequency", "mels", "contrasts"),
        helper.make_node("MatMul", ["contrasts", "pool_steps"], ["contrast_bands"]),
        over_time("ReduceMean", "contrast_bands", "contrast"),
        helper.make_node("Concat", names, ["statistics"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "statistics",
        [helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [None, frames, mels])],
        [helper.make_tensor_value_info("statistics", onnx.TensorProto.FLOAT, [None, BANDS * STATISTICS])],
        [onnx.numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSETS[""])], ir_version=IR_VERSION)
    return bytes(model.SerializeToString())


def pooling(mels: int) -> Float32:
    """The weights, shape (mels, BANDS), of the mean of neighboring mel bands. Bands share none.

    >>> pooling(16)[:3, 0].tolist()
    [0.5, 0.5, 0.0]
    """
    weights = np.zeros((mels, BANDS), np.float32)
    for band, members in enumerate(np.array_split(np.arange(mels), BANDS)):
        weights[members, band] = 1 / max(1, len(members))
    return weights
