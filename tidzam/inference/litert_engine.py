"""LiteRT (formerly TensorFlow Lite) on the CPU, for imported models."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Final, Literal

import numpy as np

from tidzam.errors import SetupError
from tidzam.inference.engines import ALL_CORES, Network, first_line, not_usable, require_one_float
from tidzam.inference.one_by_one import OneByOne
from tidzam.parallel import cores
from tidzam.tensorflow_loader import without_lines
from tidzam.types import Float32

_START_UP: Final = r"^INFO: Created TensorFlow Lite XNNPACK delegate"
"""The line that the library prints with its first interpreter; no setting of it suppresses that."""


class LiteRtEngine:
    """Runs the `litert` file of a bundle, with one window per call: larger batches are not faster.

    See also `tidzam.inference.engines.Engine` for the contract.
    """

    file_format: Final[Literal["litert"]] = "litert"
    distributions: Final = ("ai-edge-litert",)
    trial_memory_mb: Final = 768
    trial_cpu_s: Final = 20

    def import_library(self) -> None:
        _interpreter()

    def load(self, path: Path, *, threads: int) -> Network:
        count = cores() if threads == ALL_CORES else threads
        pool = _InterpreterPool(lambda: _open(path, threads=count))
        with pool.borrowed() as interpreter:
            (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
        has_batch = len(given["shape"]) > 1
        run = _Run(pool, given, returned, has_batch=has_batch)
        shape = tuple(int(size) for size in given["shape"])[1 if has_batch else 0 :]
        return OneByOne(run, shape, int(returned["shape"][-1]))


def _open(path: Path, *, threads: int) -> Any:
    """An interpreter with its tensors in place. Raises BundleError as `Engine.load` does."""
    make, network = _interpreter(), f"The network {path}"
    try:
        interpreter = make(model_path=str(path), num_threads=threads)
        sides = interpreter.get_input_details(), interpreter.get_output_details()
    except Exception as error:  # noqa: BLE001 - a damaged or hostile file makes the library raise anything
        raise not_usable(network, f"cannot be loaded: {first_line(error)}") from None
    require_one_float(
        network, *([(one["name"], f"tensor({np.dtype(one['dtype'])})") for one in side] for side in sides)
    )
    (given,) = sides[0]
    signature = [int(size) for size in given.get("shape_signature", given["shape"])]
    if len(signature) > 1 and signature[0] not in (1, -1):
        raise not_usable(network, f"takes {signature[0]} windows at once, expected one or any number")
    try:
        if len(signature) > 1 and given["shape"][0] != 1:
            interpreter.resize_tensor_input(given["index"], [1, *given["shape"][1:]])
        with nullcontext() if _has_started.is_set() else without_lines(_START_UP):
            interpreter.allocate_tensors()
            _has_started.set()
    except Exception as error:  # noqa: BLE001 - as above
        raise not_usable(network, f"cannot be loaded: {first_line(error)}") from None
    return interpreter


class _InterpreterPool:
    """Interpreters of one file. One runs on one thread at a time, so there are as many as threads that call."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._free: SimpleQueue[Any] = SimpleQueue()

    @contextmanager
    def borrowed(self) -> Iterator[Any]:
        """An interpreter for this thread alone, while the context is open."""
        try:
            interpreter = self._free.get_nowait()
        except Empty:
            interpreter = self._make()
        try:
            yield interpreter
        finally:
            self._free.put(interpreter)


class _Run:
    """Runs one window."""

    def __init__(self, pool: _InterpreterPool, given: Any, returned: Any, *, has_batch: bool) -> None:
        self._pool, self._has_batch = pool, has_batch
        self._input, self._output = given["index"], returned["index"]

    def __call__(self, window: Float32) -> Float32:
        with self._pool.borrowed() as interpreter:
            interpreter.set_tensor(self._input, window if self._has_batch else window[0])
            interpreter.invoke()
            outputs: Float32 = interpreter.get_tensor(self._output)
        return outputs if outputs.ndim == 2 else outputs.reshape(1, -1)


_import_lock = threading.Lock()
_has_started = threading.Event()


def _interpreter() -> Any:
    """The class of interpreters. Raises SetupError if the library is not installed."""
    try:
        with _import_lock:
            from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise SetupError(
            f"LiteRT cannot be loaded: {error}.",
            hint="Install it with `tidzam install litert` or pip install 'tidzam[litert]'.",
        ) from None
    return Interpreter
