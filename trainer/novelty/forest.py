"""The isolation forest: training by scikit-learn, and its export to ONNX by skl2onnx.

skl2onnx has a converter for isolation forests, which makes some 27 operations of each tree: the file of 200 trees takes
18 s to load. The one here makes all trees one operation, and leaves the rest to skl2onnx.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import BundleError
from tidzam.inference.onnx_engine import OnnxEngine
from tidzam.types import Float32
from trainer.novelty.packages import package
from trainer.novelty.typical_windows import ADDED, IR_VERSION, OPSETS, TypicalWindows

MAX_DIFFERENCE: Final = 1e-5
MAX_TYPICAL_DIFFERENCE: Final = 1e-4
"""Of the added values, see `TypicalWindows.difference`: sums of float32, in another order."""
TREES: Final = 100
SAMPLES: Final = 1024
"""Windows that each tree is made of."""
_BATCH: Final = 4096


@dataclass(frozen=True)
class ForestOptions:
    """`trees`, each of `samples` windows, drawn with the random `seed`."""

    trees: int = TREES
    samples: int = SAMPLES
    seed: int = 0


class ScoredForest:
    """An isolation forest of vectors that are extended by two values (`TypicalWindows`).

    Each of these two counts as a quarter as many values as a vector has: so many trees split by them.
    """

    def __init__(self, vectors: Float32, options: ForestOptions, *, unit: bool = False) -> None:
        """Train on vectors (n, values), with `unit` scaled to the length 1. Raises SetupError if scikit-learn is
        missing."""
        sklearn = package("sklearn", "ensemble")
        self._forest = sklearn.ensemble.IsolationForest(
            n_estimators=options.trees,
            max_samples=min(options.samples, len(vectors)),
            random_state=options.seed,
        )
        self._typical = TypicalWindows(vectors, seed=options.seed, unit=unit)
        self._columns = _repeated(vectors.shape[1])
        self._forest.fit(self._seen(vectors))

    def scores(self, vectors: Float32) -> NDArray[np.float64]:
        """The scores, shape (n,), of vectors (n, values): `-score_samples` of scikit-learn, from 0 to 1."""
        found: NDArray[np.float64] = -self._forest.score_samples(self._seen(vectors))
        return found

    def _seen(self, vectors: Float32) -> Float32:
        """What the forest is trained on."""
        return self._typical.extended(vectors)[:, self._columns]

    def write(self, path: Path, checked: Float32) -> float:
        """Write the forest as an ONNX file: vectors (n, values) to scores (n, 1). Returns by how much the scores of the
        vectors `checked` differ from scikit-learn's at most.

        Raises BundleError (`bundle_export`) if that is more than MAX_DIFFERENCE, or if the added values differ from
        NumPy's; SetupError if skl2onnx is missing.
        """
        if not (difference := self._typical.difference(checked)) <= MAX_TYPICAL_DIFFERENCE:
            raise BundleError(
                f"The distances to typical windows of the exported network differ from NumPy's by {difference:.1e}, "
                f"expected at most {MAX_TYPICAL_DIFFERENCE:g}.",
                hint="Report it, with the versions of onnx and onnxruntime.",
                code="bundle_export",
            )
        skl2onnx = package("skl2onnx", "common.data_types")
        onnx = package("onnx", "compose")
        types, kind = skl2onnx.common.data_types, type(self._forest)
        trees = skl2onnx.convert_sklearn(
            self._forest,
            "novelty",
            [("seen", types.FloatTensorType([None, int(self._columns.max()) + 1]))],
            target_opset=dict(OPSETS),
            custom_parsers={kind: _declare},
            custom_shape_calculators={kind: _set_shape},
            custom_conversion_functions={kind: partial(_convert, columns=self._columns)},
        )
        trees.ir_version = IR_VERSION
        for used in trees.opset_import:  # skl2onnx states the lowest that the operations need
            used.version = OPSETS[used.domain]
        whole = onnx.compose.merge_models(
            self._typical.model, trees, [("extended", "seen")], prefix1="typical_", prefix2="forest_"
        )
        path.write_bytes(whole.SerializeToString())
        difference = self._difference(path, checked)
        if not difference <= MAX_DIFFERENCE:
            raise BundleError(
                f"The scores of the exported forest differ from scikit-learn's by {difference:.1e}, expected at most "
                f"{MAX_DIFFERENCE:g}.",
                hint="Report it, with the versions of scikit-learn, skl2onnx and onnxruntime.",
                code="bundle_export",
            )
        return difference

    def _difference(self, path: Path, vectors: Float32) -> float:
        network = OnnxEngine().load(path, threads=1)
        parts = [vectors[first : first + _BATCH] for first in range(0, len(vectors), _BATCH)]
        return max(float(np.abs(network.predict(part)[:, 0] - self.scores(part)).max()) for part in parts)


def mean_path_length(windows: int) -> float:
    """The mean number of splits that separate one of `windows` in a random tree: c(n) of Liu, Ting and Zhou 2008.

    >>> mean_path_length(2)
    1.0
    """
    if windows <= 1:
        return 0.0
    if windows == 2:
        return 1.0
    return 2 * (math.log(windows - 1) + np.euler_gamma) - 2 * (windows - 1) / windows


def _declare(scope: Any, model: Any, inputs: Sequence[Any], custom_parsers: Any = None) -> Any:
    """Register with skl2onnx that a forest has one output."""
    types = package("skl2onnx", "common.data_types").common.data_types
    operator = scope.declare_local_operator("SklearnIsolationForest", model)
    operator.inputs = inputs
    operator.outputs.append(scope.declare_local_variable("score", types.FloatTensorType()))
    return operator.outputs


def _set_shape(operator: Any) -> None:
    types = package("skl2onnx", "common.data_types").common.data_types
    operator.outputs[0].type = types.FloatTensorType([None, 1])


def _repeated(values: int) -> NDArray[np.int64]:
    """The columns of an extended vector that a forest is trained on: the added ones come several times."""
    copies = max(1, values // 4)
    return np.concatenate([np.arange(values), np.repeat(np.arange(values, values + ADDED), copies)])


def _convert(scope: Any, operator: Any, container: Any, *, columns: NDArray[np.int64]) -> None:
    """2^(-h / c): h, the mean of the trees' path lengths, is one operation; the score is its exponential."""
    forest = operator.raw_operator
    lengths, exponents, factor = (scope.get_unique_variable_name(name) for name in ("lengths", "exponents", "factor"))
    container.add_node(
        "TreeEnsembleRegressor",
        [operator.inputs[0].full_name],
        [lengths],
        op_domain="ai.onnx.ml",
        op_version=1,
        name=scope.get_unique_operator_name("trees"),
        **_trees(forest, columns),
    )
    data_types = package("onnx").TensorProto
    scale = -math.log(2) / mean_path_length(forest.max_samples_)
    container.add_initializer(factor, data_types.FLOAT, [1], [scale])
    container.add_node("Mul", [lengths, factor], [exponents], op_version=14)
    container.add_node("Exp", [exponents], [operator.outputs[0].full_name], op_version=13)


def _trees(forest: Any, columns: NDArray[np.int64]) -> Mapping[str, Any]:
    """The attributes of a TreeEnsembleRegressor that returns the mean path length of the trees of a forest."""
    nodes: dict[str, list[Any]] = {
        name: [] for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    }
    targets: dict[str, list[Any]] = {"treeids": [], "nodeids": [], "ids": [], "weights": []}
    for number, estimator in enumerate(forest.estimators_):
        tree = estimator.tree_
        count, is_leaf = tree.node_count, tree.children_left < 0
        nodes["treeids"] += [number] * count
        nodes["nodeids"] += range(count)
        nodes["featureids"] += columns[np.where(is_leaf, 0, tree.feature)].tolist()
        nodes["values"] += _not_above(np.where(is_leaf, 0.0, tree.threshold)).tolist()
        nodes["modes"] += ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf.tolist()]
        nodes["truenodeids"] += np.where(is_leaf, 0, tree.children_left).tolist()
        nodes["falsenodeids"] += np.where(is_leaf, 0, tree.children_right).tolist()
        depths = _depths(tree.children_left, tree.children_right)
        for leaf in np.flatnonzero(is_leaf).tolist():
            targets["treeids"].append(number)
            targets["nodeids"].append(leaf)
            targets["ids"].append(0)
            targets["weights"].append(float(depths[leaf]) + mean_path_length(int(tree.n_node_samples[leaf])))
    of_nodes = {f"nodes_{name}": values for name, values in nodes.items()}
    of_targets = {f"target_{name}": values for name, values in targets.items()}
    return {**of_nodes, **of_targets, "n_targets": 1, "aggregate_function": "AVERAGE", "post_transform": "NONE"}


def _depths(left: NDArray[Any], right: NDArray[Any]) -> NDArray[np.int64]:
    """The number of splits above each node. Children come after their parents."""
    depths = np.zeros(len(left), np.int64)
    for node in np.flatnonzero(left >= 0).tolist():
        depths[left[node]] = depths[right[node]] = depths[node] + 1
    return depths


def _not_above(thresholds: NDArray[np.float64]) -> Float32:
    """The largest float32 that is not above each threshold, so that the same float32 values reach it."""
    rounded = thresholds.astype(np.float32)
    return np.where(rounded > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
