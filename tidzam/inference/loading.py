"""Loading networks: those of bundles after a trial, and those that were just trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tidzam.bundle import Bundle
from tidzam.errors import BundleError
from tidzam.inference.batches import NetworkInBatches, in_batches
from tidzam.inference.cascade import Cascade, Classifier
from tidzam.inference.engine_records import EngineRecords
from tidzam.inference.engines import ALL_CORES, Network, find_engine, require_shape
from tidzam.inference.novelty import ScoreNetwork
from tidzam.inference.onnx_engine import OnnxEngine
from tidzam.inference.outputs import LogitsNetwork
from tidzam.inference.trial import FOREST_ENGINE, RANGE_ENGINE, engines_for, forest_spec, spec_of, try_networks
from tidzam.types import Float32


def load_networks(
    bundles: Sequence[Bundle],
    engine: str | Sequence[str] = "onnx",
    *,
    threads: int = 1,
    batch: int | None = None,
    records: EngineRecords | None = None,
) -> list[Network]:
    """The networks of `bundles`, each run on `threads` threads (or `ALL_CORES`) by the engine of `engine_for`.

    `engine` may also hold the name of an engine for each bundle. They return probabilities, also where the file returns
    logits. They are run on `batch` windows at once, at most. Each is first tried in another process, unless `records`
    hold that it passed.

    Raises BundleError if a network does not fit its manifest or cannot be used (see `try_networks`), SetupError if the
    engine's library is not installed, ConfigError if there is no such engine.
    """
    names = engines_for(bundles, engine)
    try_networks(bundles, names, records=records)
    return [_load(bundle, name, threads, batch) for bundle, name in zip(bundles, names, strict=True)]


def load_network(bundle: Bundle, engine: str = "onnx", *, threads: int = 1) -> Network:
    """`load_networks` of one bundle."""
    return load_networks([bundle], engine, threads=threads)[0]


def load_cascade(
    bundles: Sequence[Bundle],
    engine: str | Sequence[str] = "onnx",
    *,
    gate: float = 0.05,
    threads: int = 1,
    batch: int | None = None,
    records: EngineRecords | None = None,
) -> Cascade:
    """The cascade of `bundles`. Raises the errors of `load_networks` and of `Cascade`."""
    networks = load_networks(bundles, engine, threads=threads, batch=batch, records=records)
    return Cascade(map(Classifier, (bundle.manifest for bundle in bundles), networks), gate=gate)


def _load(bundle: Bundle, engine: str, threads: int, batch: int | None) -> Network:
    runs = find_engine(engine)
    path = bundle.file(runs.file_format)
    network = runs.load(path, threads=threads)
    spec = spec_of(bundle)
    require_shape(network, spec, f"The network {path}")
    if spec.activation is not None:
        network = LogitsNetwork(network, spec.activation)
    return network if batch is None else NetworkInBatches(network, batch)


def load_novelty(
    bundles: Sequence[Bundle],
    engine: str | Sequence[str] = "onnx",
    *,
    threads: int = 1,
    batch: int | None = None,
    records: EngineRecords | None = None,
) -> list[Classifier]:
    """The novelty bundles as classifiers whose networks return scores, shape (n, 1). Raises BundleError
    (`bundle_novelty`) for other bundles, and the errors of `load_networks`."""
    for bundle in bundles:
        if bundle.manifest.novelty is None:
            raise BundleError(
                f"Bundle {bundle.name!r} is a classifier; it does not find unusual sound.",
                hint="Train a novelty bundle with `python -m trainer novelty`, or run it in the cascade.",
                code="bundle_novelty",
            )
    vectors = load_networks(bundles, engine, threads=threads, batch=batch, records=records)
    return [
        Classifier(bundle.manifest, _with_forest(bundle, network))
        for bundle, network in zip(bundles, vectors, strict=True)
    ]


def _with_forest(bundle: Bundle, vectors: Network) -> ScoreNetwork:
    novelty = bundle.manifest.novelty
    assert novelty is not None
    forest = find_engine(FOREST_ENGINE).load(bundle.folder / novelty.forest.name, threads=1)
    require_shape(forest, forest_spec(novelty), f"The forest {bundle.folder / novelty.forest.name}")
    return ScoreNetwork(vectors, forest)


def load_range_model(bundle: Bundle) -> Network | None:
    """The range model of a bundle that `load_networks` has tried; None if it has none.

    It takes (latitude, longitude, week), shape (n, 3), and returns a probability for each class of the bundle.
    """
    if bundle.manifest.range_model is None:
        return None
    return find_engine(RANGE_ENGINE).load(bundle.folder / bundle.manifest.range_model.name, threads=1)


def run_onnx(path: Path, features: Float32, *, batch: int = 256) -> Float32:
    """Run an ONNX file of one's own making, without a trial, on all cores.

    Features (n, frames, mels) in dB, `batch` windows at once, to probabilities (n, classes). Raises BundleError if the
    file is not a network with one input and one output.
    """
    return in_batches(OnnxEngine().load(path, threads=ALL_CORES).predict, features, batch=batch)
