"""Engines that run a bundle's network: ONNX Runtime by default, or TensorFlow. Importing this module is cheap."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tidzam.errors import BundleError
from tidzam.tensorflow_loader import load_tensorflow
from tidzam.types import Float32

TOLERANCE: Final = 1e-3
"""How far a probability may lie outside 0 to 1 because of rounding."""
TRIED_BATCHES: Final = (1, 3)
_OUT_OF_MEMORY: Final = re.compile(
    "to allocate|when allocating|bad.alloc|Available memory|would require more|ResourceExhausted"
)
_ONNX_PREFIX: Final = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (?:Load model from .*? failed:)?(?:/onnxruntime_src/\S+ .*?\) (?=[A-Z]))?"
)


class Engine(Protocol):
    """A loaded network."""

    def predict(self, features: Float32) -> Float32:
        """Features (n, frames, mels) in dB to probabilities (n, classes), both float32; n may be 0."""
        ...


@dataclass(frozen=True)
class Demand:
    """What a manifest states about its network: `shape` (frames, mels) in, `classes` probabilities out.

    Silence is features of `floor_db` throughout.
    """

    shape: tuple[int, int]
    floor_db: float
    classes: int


def check_network(engine: Engine, demand: Demand, network: str) -> None:
    """Run `engine` on silence, one window and a few. `network` names it in errors.

    Raises BundleError: `bundle_classes` for another number of outputs, `bundle_outputs` for outputs that are not
    probabilities, `bundle_engine` if it cannot be run.
    """
    for count in TRIED_BATCHES:
        silence = np.full((count, *demand.shape), demand.floor_db, dtype=np.float32)
        try:
            outputs = engine.predict(silence)
        except Exception as error:  # noqa: BLE001 - the engines' errors share no base, and any file may be the cause
            raise not_usable(network, f"cannot be run: {first_line(error)}") from None
        if fault := shape_fault(outputs, (count, demand.classes)):
            raise BundleError(f"{network} {fault}.", hint="Export the bundle again.", code="bundle_classes")
        if fault := value_fault(outputs):
            raise BundleError(
                f"{network} answers silence with {fault}.",
                hint="Its last layer must be a sigmoid or a softmax. Train the bundle again.",
                code="bundle_outputs",
            )


def shape_fault(outputs: Any, wanted: tuple[int, int]) -> str | None:
    """What keeps `outputs` from being a float32 array of the shape (windows, classes), as a predicate."""
    if not isinstance(outputs, np.ndarray):
        return f"returns a {type(outputs).__name__}, not an array"
    if outputs.dtype != np.float32:
        return f"returns values of type {outputs.dtype}, not float32"
    if outputs.shape != wanted:
        return f"returns an array of shape {outputs.shape}, expected {wanted} (windows, classes)"
    return None


def sound_rows(outputs: Float32) -> NDArray[np.bool_]:
    """Which rows of outputs (n, classes) hold probabilities: finite, and from 0 to 1 but for TOLERANCE. Shape (n,)."""
    inside: NDArray[np.bool_] = (outputs >= -TOLERANCE) & (outputs <= 1 + TOLERANCE)  # NaN is not
    return np.asarray(inside.all(axis=1))


def value_fault(outputs: Float32) -> str | None:
    """The first output that is not a probability, in words; None if all are."""
    wrong = outputs[~((outputs >= -TOLERANCE) & (outputs <= 1 + TOLERANCE))]
    return f"{wrong.flat[0]:g} where a probability, 0 to 1, is expected" if wrong.size else None


class OnnxEngine:
    """ONNX Runtime on the CPU. Memory and time of a network are bounded (`tidzam.inference.resource_limits`)."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Raises BundleError: `bundle_engine` if the file cannot be loaded, `bundle_features` for other inputs."""
        import onnxruntime  # here, since it takes a tenth of a second

        from tidzam.inference.resource_limits import TimeLimit, bound_memory

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        # An idle pool must not spin: the cores are shared with capture and encoders.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.add_session_config_entry("session.load_model_format", "ONNX")  # the one format that is checked
        bound_memory(options)
        network = f"The network {path}"
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - ONNX Runtime's errors share no other base
            raise not_usable(network, f"cannot be loaded: {first_line(error)}") from None
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        _require_one_float(network, [(one.name, one.type) for one in inputs], [(one.name, one.type) for one in outputs])
        (self._input,) = inputs
        self._limit = TimeLimit()

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """(None, frames, mels); None is any size."""
        return tuple(size if isinstance(size, int) else None for size in self._input.shape)

    def predict(self, features: Float32) -> Float32:
        """Raises ONNX Runtime's errors, and TimeoutError for a network that takes too long."""
        with self._limit.of(len(features)) as options:
            outputs: Float32 = self._session.run(None, {self._input.name: features}, options)[0]
        return outputs


class KerasEngine:
    """TensorFlow; importing it takes seconds and hundreds of megabytes, so it is imported here alone."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """Raises BundleError as OnnxEngine does, SetupError if TensorFlow is not installed."""
        keras, tf = import_keras()
        with suppress(RuntimeError):  # TensorFlow has already started, with the threads that it was given then
            tf.config.threading.set_intra_op_parallelism_threads(threads)
        network = f"The network {path}"
        try:
            model = keras.models.load_model(path, compile=False, safe_mode=True)
            inputs, outputs = list(model.inputs), list(model.outputs)
        except Exception as error:  # noqa: BLE001 - a damaged or hostile file makes Keras raise anything
            raise not_usable(network, f"cannot be loaded: {first_line(error)}") from None
        typed = [[(str(one.name), f"tensor({str(one.dtype)[:-2]})") for one in side] for side in (inputs, outputs)]
        _require_one_float(network, *typed)
        self.input_shape: tuple[int | None, ...] = tuple(inputs[0].shape)
        self._classes: int = outputs[0].shape[-1]
        signature = [tf.TensorSpec(self.input_shape, tf.float32)]
        self._run = tf.function(lambda features: model(features, training=False), input_signature=signature)

    def predict(self, features: Float32) -> Float32:
        if not len(features):  # which some of TensorFlow's optimized operations refuse
            return np.empty((0, self._classes), dtype=np.float32)
        outputs: Float32 = self._run(features).numpy()
        return outputs


def import_keras() -> tuple[Any, Any]:
    """The modules keras and tensorflow. Raises SetupError if they are not installed."""
    load_tensorflow()
    import keras
    import tensorflow as tf

    return keras, tf


def require_shape(engine: OnnxEngine | KerasEngine, demand: Demand, network: str) -> None:
    """Raises BundleError (`bundle_features`) if `engine` takes another input than any number of windows of features."""
    wanted = (None, *demand.shape)
    if engine.input_shape != wanted:
        raise BundleError(
            f"{network} takes an input of shape {engine.input_shape}; the manifest's features have {wanted}.",
            hint="Train the bundle again.",
            code="bundle_features",
        )


def _require_one_float(network: str, inputs: list[tuple[str, str]], outputs: list[tuple[str, str]]) -> None:
    for side, found, code in (("input", inputs, "bundle_features"), ("output", outputs, "bundle_classes")):
        kinds = ", ".join(kind for _, kind in found) or "none"
        if [kind.replace("float32", "float") for _, kind in found] != ["tensor(float)"]:
            raise BundleError(
                f"{network} has {len(found)} {side}{'s' * (len(found) != 1)} ({kinds}); expected one of type float32.",
                hint="Export the bundle again.",
                code=code,
            )


def not_usable(network: str, fault: str) -> BundleError:
    return BundleError(
        f"{network} {fault.rstrip('.')}.", hint="Train the bundle again, or copy it again.", code="bundle_engine"
    )


def first_line(error: Exception) -> str:
    """The text of an error, in one line that a terminal can show."""
    if isinstance(error, MemoryError) or _OUT_OF_MEMORY.search(str(error)):
        return "there is not enough memory for it"
    line = next(iter(_ONNX_PREFIX.sub("", str(error)).splitlines()), "") or type(error).__name__
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:300]
