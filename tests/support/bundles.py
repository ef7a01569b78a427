"""Small real bundles that classify pure tones, made without training."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tidzam.audio.features import FeatureSpec, hz_to_mel
from tidzam.bundle import Bundle, BundleManifest, write_bundle
from tidzam.labels import LabelTree

SPEC = FeatureSpec()


def tone_manifest(name: str, classes: Sequence[str], *, features: FeatureSpec = SPEC) -> BundleManifest:
    """A flat, multi-label manifest with a threshold of 0.5 for each class."""
    return BundleManifest(
        name=name,
        features=features,
        hop_s=features.window_s,
        classes=tuple(classes),
        labels=LabelTree.flat(tuple(classes)),
        activation="sigmoid",
        thresholds=dict.fromkeys(classes, 0.5),
        provenance={"made_by": "tests.support.bundles"},
        accuracy={},
    )


def write_tone_bundle(
    folder: Path, name: str, tones_hz: Mapping[str, tuple[float, ...]], *, features: FeatureSpec = SPEC
) -> Bundle:
    """Write `folder/name`, a classifier of tones, those of each class given: -30 dBFS in their band is p = 0.5.

    A tone at -20 dBFS gives its class about 1, one that is away about 0.
    """
    manifest = tone_manifest(name, tuple(tones_hz), features=features)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "tones.onnx"
        onnx.save(_tone_network(tuple(tones_hz.values()), features), path)
        return write_bundle(folder / name, manifest, {"onnx": path})


def band_of(tone_hz: float, features: FeatureSpec = SPEC) -> int:
    """The mel band whose center is nearest to `tone_hz`."""
    low, high = hz_to_mel(features.fmin_hz), hz_to_mel(features.fmax_hz)
    return round(float((hz_to_mel(tone_hz) - low) / (high - low) * (features.n_mels + 1))) - 1


def _tone_network(tones_hz: Sequence[Sequence[float]], features: FeatureSpec) -> onnx.ModelProto:
    """sigmoid(max over the class's bands of (mean over frames of dB + 30))."""
    initializers = [numpy_helper.from_array(np.array(30, dtype=np.float32), "offset")]
    nodes = [helper.make_node("ReduceMean", ["features"], ["mean_db"], axes=[1], keepdims=0)]
    for number, tones in enumerate(tones_hz):
        bands = np.array([band_of(tone, features) for tone in tones], dtype=np.int64)
        initializers.append(numpy_helper.from_array(bands, f"bands{number}"))
        nodes.append(helper.make_node("Gather", ["mean_db", f"bands{number}"], [f"levels{number}"], axis=1))
        nodes.append(helper.make_node("ReduceMax", [f"levels{number}"], [f"loudest{number}"], axes=[1]))
    loudest = [f"loudest{number}" for number in range(len(tones_hz))]
    nodes.append(helper.make_node("Concat", loudest, ["level"], axis=1))
    nodes.append(helper.make_node("Add", ["level", "offset"], ["over"]))
    nodes.append(helper.make_node("Sigmoid", ["over"], ["probabilities"]))
    graph = helper.make_graph(
        nodes,
        "tones",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, *features.shape])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, len(tones_hz)])],
        initializers,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model
