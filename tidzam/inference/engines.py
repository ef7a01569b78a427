"""Engines, which run the networks of bundles: the extension point, and the checks that every network passes.

Importing this module is cheap; an engine imports its library when it is asked to.
"""

from __future__ import annotations

import re
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from tidzam.config.inference import DEFAULT_ENGINE, ENGINES
from tidzam.errors import BundleError
from tidzam.types import Float32

ALL_CORES: Final = 0
"""A number of threads: one per core that the process may use."""
TOLERANCE: Final = 1e-3
"""How far a probability may lie outside 0 to 1 because of rounding."""
TRIAL_BATCHES: Final = (1, 3)
"""The numbers of windows that a network is run on in its trial."""
_OUT_OF_MEMORY: Final = re.compile(
    "to allocate|when allocating|bad.alloc|Available memory|would require more|ResourceExhausted"
)
_ONNX_PREFIX: Final = re.compile(
    r"^\[ONNXRuntimeError\] : \d+ : \w+ : (?:Load model from .*? failed:)?(?:/onnxruntime_src/\S+ .*?\) (?=[A-Z]))?"
)


class Network(Protocol):
    """A loaded network."""

    @property
    def input_shape(self) -> tuple[int | None, ...]:
        """(None, frames, mels) of features or (None, samples) of a waveform; None stands for any number of windows."""
        ...

    def predict(self, inputs: Float32) -> Float32:
        """Features (n, frames, mels) in dB, or waveforms (n, samples) in -1…1, to probabilities (n, classes).

        All are float32; n may be 0. What a network returns whose manifest has the output `logits` are logits;
        `tidzam.inference.outputs.LogitsNetwork` turns them into probabilities.

        A window's outputs depend on its own input only, and are the same every time. It may raise any
        exception: callers contain it (`tidzam.inference.output_check`).
        """
        ...


class Engine(Protocol):
    """Runs networks of one file format. Implementations are registered in `ENGINES` as classes without arguments.

    A network may come from anywhere. Before a program loads it, it is loaded and run once in a separate process
    (`tidzam.inference.trial`), within the limits that the engine states here.
    """

    @property
    def file_format(self) -> Literal["onnx", "litert", "keras"]:
        """Which of a bundle's files the engine reads: a key of `files` in the manifest."""
        ...

    @property
    def distributions(self) -> tuple[str, ...]:
        """The packages, as pip calls them, of which one contains the library that runs networks."""
        ...

    @property
    def trial_memory_mb(self) -> int:
        """Address space for the trial of one network, besides the library's and four times the size of the file."""
        ...

    @property
    def trial_cpu_s(self) -> int:
        """Processor time for the trial of one network."""
        ...

    def import_library(self) -> None:
        """Import what running networks takes, before the limits of a trial are set. Raises SetupError if missing."""
        ...

    def load(self, path: Path, *, threads: int) -> Network:
        """Load the network at `path`, to run on `threads` threads; `ALL_CORES` for one per core.

        Raises BundleError: `bundle_engine` if the file cannot be loaded, `bundle_features` or `bundle_classes` unless
        it has one input and one output of type float32. Raises SetupError if the library is not installed.
        """
        ...


@dataclass(frozen=True)
class NetworkSpec:
    """What a manifest states about its network: windows of `shape` in, `classes` outputs out.

    `shape` is (frames, mels) for features, (samples,) for a waveform, and (values,) if it takes `vectors`. Silence
    is `silence` throughout. Without an `activation`, the outputs are probabilities; with one, they are logits. Outputs
    that are not `bounded` are neither: vectors, or scores, of any finite values.
    """

    shape: tuple[int, ...]
    silence: float
    classes: int
    activation: Literal["sigmoid", "softmax"] | None = None
    bounded: bool = True
    vectors: bool = False

    @property
    def kind(self) -> str:
        """What the network takes, in the plural."""
        if self.vectors:
            return "vectors"
        return "features" if len(self.shape) > 1 else "waveforms"


def find_engine(name: str) -> Engine:
    """The engine called `name`. Raises ConfigError as `Registry.load` does."""
    engine: Engine = ENGINES.load(name)()
    return engine


def library_version(engine: Engine) -> str | None:
    """The installed package of an engine's library and its version, without importing it; None if there is none."""
    for name in engine.distributions:
        with suppress(PackageNotFoundError):
            return f"{name} {version(name)}"
    return None


def engine_for(formats: Container[str], name: str) -> str:
    """The name of the engine that runs a bundle whose files have `formats`, if the engine called `name` is wanted.

    It is that engine, but for the default: that gives way to the engine of a file that the bundle has.
    """
    if name != DEFAULT_ENGINE or find_engine(name).file_format in formats:
        return name
    return next((other for other in ENGINES.built_in if find_engine(other).file_format in formats), name)


def check_network(network: Network, spec: NetworkSpec, name: str) -> None:
    """Run `network` on silence, on one window and on several at once. `name` stands for it in errors.

    Raises BundleError: `bundle_classes` for another number of outputs, `bundle_outputs` for outputs that are not
    probabilities, `bundle_engine` if it cannot be run.
    """
    for count in TRIAL_BATCHES:
        silence = np.full((count, *spec.shape), spec.silence, dtype=np.float32)
        try:
            outputs = network.predict(silence)
        except Exception as error:  # noqa: BLE001 - the engines' errors share no base, and any file may be the cause
            raise not_usable(name, f"cannot be run: {first_line(error)}") from None
        if fault := shape_fault(outputs, (count, spec.classes)):
            raise BundleError(f"{name} {fault}.", hint="Export the bundle again.", code="bundle_classes")
        if not spec.bounded:
            _require_finite(outputs, name)
        elif fault := value_fault(outputs):
            raise BundleError(
                f"{name} returns {fault} for silence, expected a probability from 0 to 1.",
                hint="Its last layer must be a sigmoid or a softmax. Train the bundle again.",
                code="bundle_outputs",
            )


def _require_finite(outputs: Float32, name: str) -> None:
    if not np.isfinite(outputs).all():
        raise BundleError(
            f"{name} returns values for silence that are not finite.",
            hint="Train the bundle again.",
            code="bundle_outputs",
        )


def shape_fault(outputs: Any, wanted: tuple[int, int]) -> str | None:
    """Why `outputs` is not a float32 array of the shape (windows, classes), as a predicate; None if it is."""
    if not isinstance(outputs, np.ndarray):
        return f"returns a {type(outputs).__name__}, not an array"
    if outputs.dtype != np.float32:
        return f"returns values of type {outputs.dtype}, not float32"
    if outputs.shape != wanted:
        return f"returns an array of shape {outputs.shape}, expected {wanted} (windows, classes)"
    return None


def valid_rows(outputs: Float32) -> NDArray[np.bool_]:
    """Which rows of outputs (n, classes) hold probabilities: finite, from 0 to 1 within TOLERANCE. Shape (n,)."""
    inside: NDArray[np.bool_] = (outputs >= -TOLERANCE) & (outputs <= 1 + TOLERANCE)  # NaN is not
    return np.asarray(inside.all(axis=1))


def value_fault(outputs: Float32) -> str | None:
    """The first output that is not a probability, as text; None if all are."""
    wrong = outputs[~((outputs >= -TOLERANCE) & (outputs <= 1 + TOLERANCE))]
    return f"{wrong.flat[0]:g}" if wrong.size else None


def require_shape(network: Network, spec: NetworkSpec, name: str) -> None:
    """Raises BundleError (`bundle_features`) unless `network` takes any number of windows of the manifest's shape."""
    wanted = (None, *spec.shape)
    found = network.input_shape
    fits = len(found) == len(wanted) and found[0] is None
    if not fits or any(size not in (None, expected) for size, expected in zip(found, wanted, strict=True)):
        raise BundleError(
            f"{name} takes an input of shape {found}; the manifest's {spec.kind} have {wanted}.",
            hint="Train the bundle again.",
            code="bundle_features",
        )


def require_one_float(network: str, inputs: list[tuple[str, str]], outputs: list[tuple[str, str]]) -> None:
    """Raises BundleError unless there is one input and one output, (name, type), each a tensor of float32."""
    for side, found, code in (("input", inputs, "bundle_features"), ("output", outputs, "bundle_classes")):
        kinds = ", ".join(f"{name}: {kind}" if len(found) > 1 else kind for name, kind in found) or "none"
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
