"""Writing a recognizer as a bundle that the live cascade runs like any other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from tidzam import __version__
from tidzam.bundle import FILE_NAMES, Bundle, BundleManifest, read_manifest, write_bundle
from tidzam.embeddings.network import EmbeddingNetwork
from tidzam.errors import BundleError, SetupError
from tidzam.inference.engines import find_engine
from tidzam.labels import LabelTree
from tidzam.types import Float32
from trainer.openset.learning import TrainedTags
from trainer.openset.recognizer import Recognizer

MAX_DIFFERENCE: Final = 1e-5
KIND: Final = "open-set recognizer"
_CHECKED: Final = 4
"""Windows of noise on which the written network is compared with the training code."""


def export_recognizer(
    folder: Path,
    network: EmbeddingNetwork,
    trained: TrainedTags,
    *,
    name: str,
    parent: str | None,
    data: Mapping[str, Any],
    accuracy: Mapping[str, Any],
    write_extras: Callable[[Path, BundleManifest], object] = lambda folder, manifest: None,
) -> Bundle:
    """Write the bundle `folder`: the network of the base up to its embedding, and the recognizer on it, as one file.

    `data` describes the training data for the provenance, `accuracy` is what was measured. Raises BundleError
    (`bundle_export`) if the network's probabilities differ from the recognizer's by more than `MAX_DIFFERENCE`,
    SetupError (`bundle_write`) if the bundle cannot be written.
    """
    base = network.base.manifest
    manifest = BundleManifest(
        name=name,
        features=base.features,
        waveform=base.waveform,
        hop_s=base.input.window_s,
        classes=trained.tags,
        labels=LabelTree.flat(trained.tags, parent=parent),
        activation="sigmoid",
        thresholds={tag: round(threshold, 6) for tag, threshold in trained.thresholds.items()},
        root=parent is None,
        parent=parent,
        license=base.license,
        origin=base.origin,
        provenance={
            "kind": KIND,
            "trained": datetime.now(UTC).isoformat(timespec="seconds"),
            "tidzam": __version__,
            "base": {"name": base.name, "version": base.version},
            **_replaced(folder),
            **data,
        },
        accuracy=dict(accuracy),
    )
    try:
        with TemporaryDirectory(prefix="tidzam-recognizer-") as temporary:
            path = Path(temporary) / FILE_NAMES[network.file_format]
            network.write_recognizer(path, trained.recognizer.layer)
            require_same(network, path, trained.recognizer)
            return write_bundle(folder, manifest, {network.file_format: path}, write_extras=write_extras)
    except OSError as error:
        raise SetupError(
            f"Cannot write the bundle {folder}: {error.strerror or error}.",
            hint="Choose another folder with --out, or free disk space.",
            code="bundle_write",
        ) from None


def _replaced(folder: Path) -> dict[str, str]:
    """The version of the bundle that is at `folder` already, for the provenance; empty if there is none."""
    try:
        return {"replaces": read_manifest(folder).version}
    except BundleError:
        return {}


def require_same(network: EmbeddingNetwork, path: Path, recognizer: Recognizer) -> None:
    """Raises BundleError unless the network at `path` and the recognizer agree on noise."""
    noise = noise_for(network)
    expected = recognizer.layer.probabilities(network.embed(noise))
    found = find_engine(network.file_format).load(path, threads=1).predict(noise)
    difference = float(np.max(np.abs(expected - found)))
    if not difference <= MAX_DIFFERENCE:
        raise BundleError(
            f"The probabilities of the network and of the training differ by {difference:.1e}, expected at most "
            f"{MAX_DIFFERENCE:g}.",
            hint="Report it, with the versions of onnx and onnxruntime, or of ai-edge-litert.",
            code="bundle_export",
        )


def noise_for(network: EmbeddingNetwork) -> Float32:
    """Windows of noise as the network takes them, float32 (n, *spec.shape)."""
    low, high = (network.spec.silence, 0.0) if network.spec.silence else (-0.1, 0.1)
    generator = np.random.default_rng(1)
    return generator.uniform(low, high, (_CHECKED, *network.spec.shape)).astype(np.float32)
