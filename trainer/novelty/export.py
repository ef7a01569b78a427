"""Writing a novelty bundle: the network that makes vectors, the isolation forest, and how scores are judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tidzam import __version__
from tidzam.audio.features import FeatureSpec
from tidzam.audio.waveform import WaveformSpec
from tidzam.bundle import (
    FILE_NAMES,
    FOREST,
    NOVEL,
    Bundle,
    BundleManifest,
    NormalScores,
    NoveltySpec,
    read_bundle,
    write_bundle,
)
from tidzam.embeddings.network import EmbeddingNetwork
from tidzam.errors import SetupError
from tidzam.inference.novelty import normal_share
from tidzam.labels import LabelTree
from tidzam.manifest_fields import entry_of
from tidzam.types import Float32
from trainer.novelty.forest import ScoredForest
from trainer.novelty.statistics_network import StatisticsNetwork

KIND = "novelty"
VectorMaker = EmbeddingNetwork | StatisticsNetwork
"""What makes vectors of windows."""


def export_novelty(
    folder: Path,
    network: VectorMaker,
    forest: ScoredForest,
    *,
    name: str,
    normal: NormalScores,
    threshold: float,
    checked: Float32,
    data: Mapping[str, Any],
) -> tuple[Bundle, float]:
    """Write the bundle `folder`. Returns it, and by how much the scores of the vectors `checked` (n, values) differ
    from scikit-learn's at most.

    `data` describes the training data for the provenance. Raises the errors of `ScoredForest.write`, SetupError
    (`bundle_write`) if the bundle cannot be written.
    """
    try:
        with TemporaryDirectory(prefix="tidzam-novelty-") as temporary:
            file_format = network.file_format if isinstance(network, EmbeddingNetwork) else "onnx"
            vectors, trees = Path(temporary) / FILE_NAMES[file_format], Path(temporary) / FOREST
            network.write(vectors)
            difference = forest.write(trees, checked)
            spec = NoveltySpec(
                vector="embedding" if isinstance(network, EmbeddingNetwork) else "statistics",
                values=checked.shape[1],
                forest=entry_of(trees),
                threshold=threshold,
                normal=normal,
            )
            manifest = _manifest(name, network, spec, data)
            write_bundle(folder, manifest, {file_format: vectors}, forest=trees)
            return read_bundle(folder), difference
    except OSError as error:
        raise SetupError(
            f"Cannot write the bundle {folder}: {error.strerror or error}.",
            hint="Choose another folder with --out, or free disk space.",
            code="bundle_write",
        ) from None


def _manifest(name: str, network: VectorMaker, novelty: NoveltySpec, data: Mapping[str, Any]) -> BundleManifest:
    base = network.base.manifest if isinstance(network, EmbeddingNetwork) else None
    spec = network.spec
    return BundleManifest(
        name=name,
        features=spec if isinstance(spec, FeatureSpec) else None,
        waveform=spec if isinstance(spec, WaveformSpec) else None,
        hop_s=spec.window_s,
        classes=(NOVEL,),
        labels=LabelTree({NOVEL: None}),
        activation="sigmoid",
        thresholds={NOVEL: round(normal_share(novelty.normal, novelty.threshold), 6)},
        root=True,
        novelty=novelty,
        license=base.license if base else None,
        origin=base.origin if base else "",
        provenance={
            "kind": KIND,
            "trained": datetime.now(UTC).isoformat(timespec="seconds"),
            "tidzam": __version__,
            **({"base": {"name": base.name, "version": base.version}} if base else {}),
            **data,
        },
        accuracy={},
    )
