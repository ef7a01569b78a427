"""What runs a bundle's network: ONNX Runtime by default, TensorFlow when asked."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Protocol

import numpy as np

from tidzam.audio.features import Float32
from tidzam.bundle import Bundle
from tidzam.bundle import Engine as EngineName
from tidzam.errors import BundleError, SetupError


class Engine(Protocol):
    """A loaded network."""

    def predict(self, features: Float32) -> Float32:
        """Features (n, frames, mels) in dB to probabilities (n, classes), both float32; n may be 0."""
        ...


def load_engine(bundle: Bundle, name: EngineName = "onnx", *, threads: int = 1) -> Engine:
    """The network of `bundle`, run by the engine `name` on `threads` threads.

    Raises BundleError if the network does not fit the manifest (`bundle_features`, `bundle_classes`) or cannot be
    loaded (`bundle_engine`); SetupError if the engine is not installed.
    """
    engine: OnnxEngine | KerasEngine = (OnnxEngine if name == "onnx" else KerasEngine)(bundle, threads=threads)
    manifest = bundle.manifest
    wanted = (None, *manifest.features.shape)
    if engine.input_shape != wanted:
        raise BundleError(
            f"The {name} network of bundle {bundle.name!r} takes {engine.input_shape}, its features are {wanted}.",
            hint="Train the bundle anew.",
            code="bundle_features",
        )
    outputs = engine.predict(np.full((1, *manifest.features.shape), manifest.features.floor_db, dtype=np.float32))
    if outputs.shape != (1, len(manifest.classes)):
        raise BundleError(
            f"The {name} network of bundle {bundle.name!r} gives {outputs.shape[1:]} values for "
            f"{len(manifest.classes)} classes.",
            hint="Train the bundle anew.",
            code="bundle_classes",
        )
    return engine


class OnnxEngine:
    """ONNX Runtime on the CPU."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        import onnxruntime  # here, since it takes a tenth of a second

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # An idle pool must not spin: the cores are shared with capture and encoders.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = bundle.file("onnx")
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no other base
            raise _not_loaded(bundle, "onnx", error) from None
        (self._input,) = self._session.get_inputs()

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """(None, frames, mels); None is any size."""
        return tuple(size if isinstance(size, int) else None for size in self._input.shape)

    def predict(self, features: Float32) -> Float32:
        outputs: Float32 = self._session.run(None, {self._input.name: features})[0]
        return outputs


class KerasEngine:
    """TensorFlow; importing it takes seconds and hundreds of megabytes, so it is imported here alone."""

    def __init__(self, bundle: Bundle, *, threads: int = 1) -> None:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ.setdefault("KERAS_BACKEND", "tensorflow")
        try:
            import keras
            import tensorflow as tf
        except ImportError:
            raise SetupError(
                "The keras engine needs TensorFlow, which is not installed.",
                hint="Run `tidzam install train`, or use the onnx engine.",
            ) from None
        with suppress(RuntimeError):  # TensorFlow is at work already, with the threads it was given then
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        try:
            model = keras.models.load_model(bundle.file("keras"), compile=False, safe_mode=True)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise _not_loaded(bundle, "keras", error) from None
        self.input_shape: tuple[int | None, ...] = tuple(model.input_shape)
        self._classes: int = model.output_shape[-1]
        signature = [tf.TensorSpec(self.input_shape, tf.float32)]
        self._run = tf.function(lambda features: model(features, training=False), input_signature=signature)

    def predict(self, features: Float32) -> Float32:
        if not len(features):  # which some of TensorFlow's optimized operations refuse
            return np.empty((0, self._classes), dtype=np.float32)
        outputs: Float32 = self._run(features).numpy()
        return outputs


def _not_loaded(bundle: Bundle, name: EngineName, error: Exception) -> BundleError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BundleError(
        f"The {name} network of bundle {bundle.name!r} cannot be loaded: {reason}",
        hint="Train the bundle anew.",
        code="bundle_engine",
    )
