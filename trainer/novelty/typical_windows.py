"""What is added to a vector before a forest sees it: how far it is from typical windows, and its largest deviation.

A forest splits along single values. A sound that differs from all others in a few of many values, or only in how they
go together, is hardly separated earlier than others; these two values show it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from tidzam.inference.batches import in_batches
from tidzam.inference.onnx_engine import OnnxEngine
from tidzam.types import Float32
from trainer.novelty.packages import package

OPSETS: Final[Mapping[str, int]] = {"": 17, "ai.onnx.ml": 3}
IR_VERSION: Final = 8
ADDED: Final = 2
"""Values that are added."""
_TYPICAL: Final = 256
"""Typical windows at most; one for every eight windows."""
_LEAST: Final = 1e-6
_BATCH: Final = 1024


class TypicalWindows:
    """The centers of k-means clusters of vectors (n, values), each value standardized to the mean 0 and the standard
    deviation 1.

    `extended` returns vectors x with two more values, where z is x standardized and c a center: the logarithm of the
    least |z - c|, and that of the largest |z_i|. With `unit`, vectors are scaled to the length 1 first.
    """

    def __init__(self, vectors: Float32, *, seed: int, unit: bool) -> None:
        """Raises SetupError if scikit-learn or onnx is missing."""
        sklearn = package("sklearn", "cluster")
        values = _unit(vectors) if unit else vectors.astype(np.float64)
        self._mean = values.mean(axis=0)
        spread = values.std(axis=0)
        self._spread = np.where(spread > _LEAST, spread, 1.0)
        clusters = sklearn.cluster.MiniBatchKMeans(
            max(1, min(_TYPICAL, len(vectors) // 8)), random_state=seed, n_init=1, batch_size=2048
        )
        self._centers = clusters.fit((values - self._mean) / self._spread).cluster_centers_
        self._is_unit = unit
        self.model = self._network()
        with TemporaryDirectory(prefix="tidzam-typical-") as folder:
            path = Path(folder) / "typical.onnx"
            path.write_bytes(self.model.SerializeToString())
            self._loaded = OnnxEngine().load(path, threads=1)

    def extended(self, vectors: Float32) -> Float32:
        """Vectors (n, values + ADDED) of vectors (n, values)."""
        return in_batches(self._loaded.predict, vectors, batch=_BATCH)

    def difference(self, vectors: Float32) -> float:
        """By how much `extended` differs at most from the definition, computed by NumPy: the values by themselves, and
        the two that are added, before their logarithm, as shares of 1 + |z|^2 + |c|^2."""
        return max(self._difference(vectors[first : first + _BATCH]) for first in range(0, len(vectors), _BATCH))

    def _difference(self, vectors: Float32) -> float:
        values = len(self._mean)
        found = self.extended(vectors).astype(np.float64)
        scaled = (_unit(vectors) if self._is_unit else vectors).astype(np.float32)
        standard = ((scaled - self._mean.astype(np.float32)) / self._spread.astype(np.float32)).astype(np.float64)
        centers = self._centers.astype(np.float64)
        lengths, sizes = (standard**2).sum(axis=1), (centers**2).sum(axis=1)
        squares = lengths[:, None] - 2 * standard @ centers.T + sizes
        nearest, whole = squares.argmin(axis=1), 1 + lengths + sizes[squares.argmin(axis=1)]
        near = np.maximum(squares[np.arange(len(squares)), nearest], _LEAST)
        extreme = np.maximum(np.abs(standard).max(axis=1), _LEAST)
        differences = (
            np.abs(found[:, :values] - scaled).max(),
            (np.abs(np.exp(2 * found[:, values]) - near) / whole).max(),
            (np.abs(np.exp(found[:, values + 1]) - extreme) / whole).max(),
        )
        return float(max(differences))

    def _network(self) -> Any:
        """The ONNX network of `extended`, from `vectors` to `extended`."""
        onnx = package("onnx", "helper", "numpy_helper")
        node, floats = onnx.helper.make_node, onnx.TensorProto.FLOAT
        values, centers = len(self._mean), self._centers
        constants = {
            "mean": self._mean,
            "spread": self._spread,
            "centers": -2 * centers.T,
            "lengths": (centers**2).sum(axis=1),
            "least": np.array([_LEAST]),
            "half": np.array([0.5]),
        }
        scaled = [
            node("ReduceL2", ["vectors"], ["length"], axes=[1], keepdims=1),
            node("Max", ["length", "least"], ["divisor"]),
            node("Div", ["vectors", "divisor"], ["scaled"]),
        ]
        nodes = [
            *(scaled if self._is_unit else [node("Identity", ["vectors"], ["scaled"])]),
            node("Sub", ["scaled", "mean"], ["centered"]),
            node("Div", ["centered", "spread"], ["standard"]),
            node("ReduceSumSquare", ["standard"], ["square"], axes=[1], keepdims=1),
            node("MatMul", ["standard", "centers"], ["products"]),
            node("Add", ["products", "lengths"], ["relative"]),
            node("ReduceMin", ["relative"], ["nearest"], axes=[1], keepdims=1),
            node("Add", ["nearest", "square"], ["distance"]),
            node("Max", ["distance", "least"], ["distance_least"]),
            node("Log", ["distance_least"], ["twice"]),
            node("Mul", ["twice", "half"], ["near"]),
            node("Abs", ["standard"], ["deviations"]),
            node("ReduceMax", ["deviations"], ["largest"], axes=[1], keepdims=1),
            node("Max", ["largest", "least"], ["largest_least"]),
            node("Log", ["largest_least"], ["extreme"]),
            node("Concat", ["scaled", "near", "extreme"], ["extended"], axis=1),
        ]
        graph = onnx.helper.make_graph(
            nodes,
            "typical",
            [onnx.helper.make_tensor_value_info("vectors", floats, [None, values])],
            [onnx.helper.make_tensor_value_info("extended", floats, [None, values + ADDED])],
            [onnx.numpy_helper.from_array(np.asarray(v, np.float32), name) for name, v in constants.items()],
        )
        opsets = [onnx.helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        return onnx.helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)


def _unit(vectors: Float32) -> Any:
    values = vectors.astype(np.float64)
    return values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), _LEAST)
