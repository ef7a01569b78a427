"""A small real bundle with a hidden layer, made without training, whose embedding is the level of each mel band."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.bundles import tone_manifest
from tests.support.training import SPEC
from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, write_bundle

CLASSES = ("quiet", "loud")


def write_hidden_layer_bundle(folder: Path, *, features: FeatureSpec = SPEC) -> Bundle:
    """Write the bundle `folder`: the mean level of each band over 60 dB, through a ReLU, is its embedding."""
    manifest = tone_manifest(folder.name, CLASSES, features=features)
    with TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        onnx.save(hidden_layer_network(features), path)
        return write_bundle(folder, manifest, {"onnx": path})


def hidden_layer_network(features: FeatureSpec = SPEC) -> onnx.ModelProto:
    """ReduceMean → Div → Add → MatMul → Relu → MatMul → Add → Mul (a temperature) → Sigmoid."""
    bands = features.n_mels
    constants = {
        "range": np.float32(60),
        "one": np.float32(1),
        "hidden": np.eye(bands, dtype=np.float32),
        "last": np.stack([-np.ones(bands), np.ones(bands)], axis=1).astype(np.float32),
        "bias": np.array([0.5, -0.5], np.float32),
        "temperature": np.float32(0.5),
    }
    steps = [
        ("Div", "mean", "range", "scaled"),
        ("Add", "scaled", "one", "moved"),
        ("MatMul", "moved", "hidden", "dense"),
        ("Relu", "dense", "", "embedding"),
        ("MatMul", "embedding", "last", "product"),
        ("Add", "product", "bias", "logits"),
        ("Mul", "logits", "temperature", "cooled"),
        ("Sigmoid", "cooled", "", "probabilities"),
    ]
    nodes = [helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0)]
    nodes += [helper.make_node(kind, [one for one in (a, b) if one], [result]) for kind, a, b, result in steps]
    graph = helper.make_graph(
        nodes,
        "levels",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, *features.shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(CLASSES)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model
