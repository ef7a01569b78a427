"""Small real networks that take a waveform and name the tones in it, in each format that can be imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tidzam.audio.waveform import WaveformSpec
from tidzam.types import Float32

INPUT = WaveformSpec(rate_hz=8000, window_s=0.5, fmax_hz=4000.0)
TONES_HZ = {"hum": 440.0, "whistle": 2000.0}
LABELS = tuple(TONES_HZ)
GAIN, OFFSET = 200.0, -1.0
"""The logit of a class is GAIN times the squared amplitude of its tone, plus OFFSET."""


def _waves(phase: float) -> Float32:
    """A unit wave per tone, shape (samples, tones), scaled so that the product with a tone is its amplitude."""
    times_s = np.arange(INPUT.window_samples) / INPUT.rate_hz
    angles = 2 * np.pi * np.array(list(TONES_HZ.values())) * times_s[:, None] + phase
    waves: Float32 = (np.cos(angles) * 2 / INPUT.window_samples).astype(np.float32)
    return waves


COSINES, SINES = _waves(0.0), _waves(np.pi / 2)


def write_onnx(path: Path, *, logits: bool = True, batch: int | None = None, samples: int | None = None) -> Path:
    """An ONNX file. Without a `batch`, it takes any number of windows; without `samples`, those of `INPUT`."""
    last = "logits" if logits else "sum"
    nodes = [
        helper.make_node("MatMul", ["waveform", "cosines"], ["c"]),
        helper.make_node("MatMul", ["waveform", "sines"], ["s"]),
        helper.make_node("Mul", ["c", "c"], ["cc"]),
        helper.make_node("Mul", ["s", "s"], ["ss"]),
        helper.make_node("Add", ["cc", "ss"], ["power"]),
        helper.make_node("Mul", ["power", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], [last]),
        *([] if logits else [helper.make_node("Sigmoid", ["sum"], ["probabilities"])]),
    ]
    constants = {"cosines": COSINES, "sines": SINES, "gain": np.float32(GAIN), "offset": np.float32(OFFSET)}
    graph = helper.make_graph(
        nodes,
        "tones",
        [helper.make_tensor_value_info("waveform", TensorProto.FLOAT, [batch, samples or INPUT.window_samples])],
        [helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.FLOAT, [batch, len(LABELS)])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.save(model, path)
    return path


def write_onnx_with_parts(path: Path) -> Path:
    """The ONNX file with two more outputs: the products with the waves, one before and one after the logits."""
    model = onnx.load(write_onnx(path))
    (logits,) = model.graph.output
    cosines, sines = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, len(LABELS)]) for name in "cs")
    del model.graph.output[:]
    model.graph.output.extend([cosines, logits, sines])
    onnx.save(model, path)
    return path


def keras_model(*, logits: bool = True) -> Any:
    """The same network in Keras."""
    import keras
    from keras import layers

    waveform = keras.Input((INPUT.window_samples,), name="waveform")
    dense = [layers.Dense(len(LABELS), use_bias=False) for _ in range(2)]
    power = layers.Add()([layers.Multiply()([one(waveform)] * 2) for one in dense])
    outputs = layers.Rescaling(GAIN, offset=OFFSET)(power)
    if not logits:
        outputs = layers.Activation("sigmoid")(outputs)
    model = keras.Model(waveform, outputs)
    for layer, weights in zip(dense, (COSINES, SINES), strict=True):
        layer.set_weights([weights])
    return model


def write_keras(path: Path, *, logits: bool = True) -> Path:
    keras_model(logits=logits).save(path)
    return path


def write_saved_model(folder: Path, *, logits: bool = True) -> Path:
    keras_model(logits=logits).export(folder, format="tf_saved_model", verbose=False)
    return folder


def write_litert(path: Path, model: Any) -> Path:
    """A Keras model as a LiteRT file."""
    import tensorflow as tf

    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    return path
