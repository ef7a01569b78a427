"""Bundles that are refused: small real ONNX files, each wrong in one way."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tests.support.bundles import tone_manifest
from tests.support.classifiers import SPEC
from tidzam.bundle import Bundle, write_bundle

CLASSES = ("birds", "rain")
FRAMES, MELS = SPEC.shape


def write_network(folder: Path, model: onnx.ModelProto, *, name: str = "selector", **changes: Any) -> Bundle:
    """Write `folder/name`, a bundle of CLASSES for windows of `SPEC`, whose network is `model`."""
    manifest = tone_manifest(name, CLASSES, features=SPEC).model_copy(update=changes)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "model.onnx"
        path.write_bytes(model.SerializeToString())
        return write_bundle(folder / name, manifest, {"onnx": path})


def model(
    nodes: Sequence[onnx.NodeProto],
    constants: Mapping[str, Any] | None = None,
    *,
    kind: int = TensorProto.FLOAT,
    out_kind: int = TensorProto.FLOAT,
    inputs: Sequence[str] = ("features",),
    outputs: Sequence[str] = ("probabilities",),
    shape: Sequence[int | None] = (None, FRAMES, MELS),
    out_shape: Sequence[int | None] = (None, len(CLASSES)),
) -> onnx.ModelProto:
    """A graph from `features` to `probabilities`."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(name, out_kind, out_shape) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    return made


def levels() -> list[onnx.NodeProto]:
    """`levels`: the mean over frames of the first two mel bands in dB, shape (n, 2)."""
    return [
        helper.make_node("ReduceMean", ["features"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Gather", ["mean", "bands"], ["levels"], axis=1),
    ]


BANDS = {"bands": np.array([0, 1], dtype=np.int64)}


def sound_network() -> onnx.ModelProto:
    """A network with nothing wrong."""
    return model([*levels(), helper.make_node("Sigmoid", ["levels"], ["probabilities"])], BANDS)


def always(value: float) -> onnx.ModelProto:
    """Every output is `value`."""
    constants = {**BANDS, "zero": np.array(0, np.float32), "value": np.array(value, np.float32)}
    nodes = [
        *levels(),
        helper.make_node("Mul", ["levels", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "value"], ["probabilities"]),
    ]
    return model(nodes, constants)


def wrong_when_loud(value: float, *, silence_db: float = -100.0) -> onnx.ModelProto:
    """Outputs of 0.9 for silence; `value` for what is 10 dB above it in the first mel bands."""
    constants = {
        **BANDS,
        "limit": np.array(silence_db + 10, np.float32),
        "value": np.array(value, np.float32),
        "fine": np.array(0.9, np.float32),
    }
    nodes = [
        *levels(),
        helper.make_node("Greater", ["levels", "limit"], ["loud"]),
        helper.make_node("Where", ["loud", "value", "fine"], ["probabilities"]),
    ]
    return model(nodes, constants)


def allocates(gigabytes: float) -> onnx.ModelProto:
    """Makes an array of that size, and sums it up."""
    constants = {
        **BANDS,
        "size": np.array([int(gigabytes * 2**28)], np.int64),
        "zero": np.array(0, np.float32),
    }
    nodes = [
        *levels(),
        helper.make_node("ConstantOfShape", ["size"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Sigmoid", ["levels"], ["fine"]),
        helper.make_node("Add", ["fine", "nothing"], ["probabilities"]),
    ]
    return model(nodes, constants)


def allocates_as_it_runs(gigabytes: float) -> onnx.ModelProto:
    """The same for an array whose size depends on the input, so that nothing is folded while loading."""
    constants = {**BANDS, "repeats": np.array([1, int(gigabytes * 2**28 / len(CLASSES))], np.int64)}
    nodes = [
        *levels(),
        helper.make_node("Sigmoid", ["levels"], ["fine"]),
        helper.make_node("Tile", ["fine", "repeats"], ["large"]),
        helper.make_node("ReduceMax", ["large"], ["loudest"], axes=[1], keepdims=1),
        helper.make_node("Min", ["fine", "loudest"], ["probabilities"]),
    ]
    return model(nodes, constants)


def loops_when_loud() -> onnx.ModelProto:
    """Returns immediately for silence, never for louder input."""
    body = loops().graph.node[-1].attribute[0].g
    constants = {
        **BANDS,
        "limit": np.array(-90, np.float32),
        "many": np.array(2**62, np.int64),
        "once": np.array(1, np.int64),
        "yes": np.array(True),
    }
    nodes = [
        *levels(),
        helper.make_node("ReduceMax", ["levels"], ["loudest"], keepdims=0),
        helper.make_node("Greater", ["loudest", "limit"], ["loud"]),
        helper.make_node("Where", ["loud", "many", "once"], ["times"]),
        helper.make_node("Loop", ["times", "yes", "levels"], ["probabilities"], body=body),
    ]
    return model(nodes, constants)


def allocates_when_loud() -> onnx.ModelProto:
    """Allocates a terabyte for loud input, little for silence."""
    constants = {
        **BANDS,
        "limit": np.array(-90, np.float32),
        "many": np.array([2**38], np.int64),
        "few": np.array([2], np.int64),
        "zero": np.array(0, np.float32),
    }
    nodes = [
        *levels(),
        helper.make_node("ReduceMax", ["levels"], ["loudest"], keepdims=0),
        helper.make_node("Greater", ["loudest", "limit"], ["loud"]),
        helper.make_node("Where", ["loud", "many", "few"], ["size"]),
        helper.make_node("ConstantOfShape", ["size"], ["large"]),
        helper.make_node("ReduceSum", ["large"], ["sum"], keepdims=0),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Sigmoid", ["levels"], ["fine"]),
        helper.make_node("Add", ["fine", "nothing"], ["probabilities"]),
    ]
    return model(nodes, constants)


def loops(times: int = 2**62) -> onnx.ModelProto:
    """Runs a loop that often."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["going"], ["still_going"]),
            helper.make_node("Sigmoid", ["value_in"], ["value_out"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value_in", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("still_going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("value_out", TensorProto.FLOAT, None),
        ],
    )
    constants = {**BANDS, "times": np.array(times, np.int64), "yes": np.array(True)}
    nodes = [*levels(), helper.make_node("Loop", ["times", "yes", "levels"], ["probabilities"], body=body)]
    return model(nodes, constants)


def external(location: str, *, place: str = "initializer") -> onnx.ModelProto:
    """A network whose bands are read from the file `location`."""
    bands = numpy_helper.from_array(BANDS["bands"], "bands")
    bands.ClearField("raw_data")
    bands.data_location = TensorProto.EXTERNAL
    for key, value in (("location", location), ("offset", "0"), ("length", "16")):
        bands.external_data.add(key=key, value=value)
    nodes = [*levels(), helper.make_node("Sigmoid", ["levels"], ["probabilities"])]
    if place == "attribute":
        return model([helper.make_node("Constant", [], ["bands"], value=bands), *nodes])
    if place == "subgraph":
        out = [helper.make_tensor_value_info("bands_out", TensorProto.INT64, [2])]
        inner = helper.make_graph([helper.make_node("Identity", ["bands"], ["bands_out"])], "inner", [], out, [bands])
        chosen = helper.make_node("If", ["yes"], ["bands"], then_branch=inner, else_branch=inner)
        return model([chosen, *nodes], {"yes": np.array(True)})
    if place == "function":
        made = model([helper.make_node("Bands", [], ["bands"], domain="own"), *nodes])
        constant = helper.make_node("Constant", [], ["b"], value=bands)
        opset = helper.make_opsetid("", 13)
        made.functions.append(helper.make_function("own", "Bands", [], ["b"], [constant], [opset]))
        made.opset_import.append(helper.make_opsetid("own", 1))
        return made
    made = model(nodes)
    made.graph.initializer.append(bands)
    return made
