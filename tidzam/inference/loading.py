"""Loading and running trained networks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from tidzam.bundle import Bundle
from tidzam.bundle import Engine as EngineName
from tidzam.inference.engines import Engine, KerasEngine, OnnxEngine, require_shape
from tidzam.inference.trial import demand_of, try_networks
from tidzam.types import Float32


def load_engines(bundles: Sequence[Bundle], name: EngineName = "onnx", *, threads: int = 1) -> list[Engine]:
    """The networks of `bundles`, each run by the engine `name` on `threads` threads, after a trial in another process.

    Raises BundleError if a network does not fit its manifest or cannot be used (see `try_networks`); SetupError if the
    engine is not installed.
    """
    try_networks(bundles, name)
    return [_load(bundle, name, threads) for bundle in bundles]


def load_engine(bundle: Bundle, name: EngineName = "onnx", *, threads: int = 1) -> Engine:
    """`load_engines` of one bundle."""
    return load_engines([bundle], name, threads=threads)[0]


def _load(bundle: Bundle, name: EngineName, threads: int) -> Engine:
    path = bundle.file(name)
    engine = (OnnxEngine if name == "onnx" else KerasEngine)(path, threads=threads)
    require_shape(engine, demand_of(bundle), f"The network {path}")
    return engine


def run_onnx(path: Path, features: Float32, *, batch: int = 256) -> Float32:
    """The probabilities that an ONNX file gives for `features`, shape (n, frames, mels): shape (n, classes).

    `batch` windows are run at once.
    """
    return in_batches(open_onnx(path), features, batch=batch)


def in_batches(run: Callable[[Float32], Float32], features: Float32, *, batch: int = 256) -> Float32:
    """The outputs of `run` for `features`, `batch` windows at once."""
    return np.concatenate([run(features[start : start + batch]) for start in range(0, max(1, len(features)), batch)])


def open_onnx(path: Path) -> Callable[[Float32], Float32]:
    """An ONNX file as a function from features, shape (n, frames, mels), to probabilities, shape (n, classes).

    It runs on all cores. Raises BundleError if the file is no network of one input and one output.
    """
    return OnnxEngine(path, threads=0).predict
