"""The composition root of the training of novelty bundles: audio, vectors, forest, threshold and bundle."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle, NormalScores, read_bundle
from tidzam.embeddings.cache import EmbeddingCache
from tidzam.embeddings.network import open_embedding_network
from tidzam.embeddings.windows import UnreadableAudio, embed_windows
from tidzam.errors import ConfigError, DatasetError
from tidzam.inference.engine_records import EngineRecords
from tidzam.progress import Progress, Say, no_progress
from tidzam.text import plural
from tidzam.types import Float32
from trainer.novelty.export import VectorMaker, export_novelty
from trainer.novelty.forest import ForestOptions, ScoredForest
from trainer.novelty.normal_scores import normal_scores, threshold_at
from trainer.novelty.statistics_network import StatisticsNetwork
from trainer.novelty.unlabeled import UnlabeledAudio, find_audio, set_aside

MOST_WINDOWS = 20_000
"""Windows that are used, of training audio and of held-out audio."""
FEWEST_WINDOWS = 100
"""For training; a quarter as many are set aside at least."""
EXPECTED_ANOMALIES = 0.01
MOST_ANOMALIES = 0.5
"""The largest share of normal windows that may be above a threshold."""
_HOUR_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class NoveltyOptions:
    """What a novelty bundle is made of and where it is written.

    `audio` are files, and folders of audio. Vectors are embeddings of the bundle `base`, or without one, statistics of
    `features`. The threshold is the score that a share of `expected_anomalies` of the audio exceeds; with `held_out`
    normal audio and `false_alarms_per_hour`, the one that so many windows of that exceed. `home` is the node's home,
    whose cache keeps vectors.
    """

    audio: tuple[Path, ...]
    out: Path
    name: str
    base: Path | None = None
    features: FeatureSpec = field(default_factory=FeatureSpec)
    held_out: tuple[Path, ...] = ()
    false_alarms_per_hour: float | None = None
    expected_anomalies: float = EXPECTED_ANOMALIES
    forest: ForestOptions = field(default_factory=ForestOptions)
    most_windows: int = MOST_WINDOWS
    home: Path | None = None


@dataclass(frozen=True, kw_only=True)
class NoveltyReport:
    """A training: the windows used and set aside, the threshold and what it lets pass, and files that were left out.

    `difference` is by how much the scores of the exported forest differ from scikit-learn's at most. `above` is the
    share of the normal windows that exceed the threshold.
    """

    bundle: Bundle
    training_windows: int
    normal: NormalScores
    threshold: float
    above: float
    difference: float
    duration_s: float
    bad: tuple[UnreadableAudio, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `--json`."""
        manifest = self.bundle.manifest
        assert manifest.novelty is not None
        return {
            "name": manifest.name,
            "version": manifest.version,
            "vector": manifest.novelty.vector,
            "values": manifest.novelty.values,
            "window_s": manifest.input.window_s,
            "audio_s": round(self.duration_s, 1),
            "windows": {"training": self.training_windows, "normal": self.normal.windows},
            "threshold": self.threshold,
            "false_alarms_per_hour": round(self.above * _HOUR_S / manifest.input.window_s, 3),
            "difference": self.difference,
            "unreadable": [{"file": str(one.path), "reason": one.reason} for one in self.bad],
        }


def train_novelty(options: NoveltyOptions, *, say: Say, progress: Progress = no_progress) -> NoveltyReport:
    """Train an isolation forest and write its bundle. `progress` counts windows whose vector is known.

    Raises ConfigError for too many alarms, DatasetError if there is too little audio, SetupError if a package is
    missing, and the errors of `open_embedding_network` and `export_novelty`.
    """
    audio = find_audio(options.audio)
    held_out = find_audio(options.held_out) if options.held_out else None
    with _network(options) as network:
        share = _share(options, network.spec.window_s)
        vectors, bad = _vectors(network, audio, options, progress)
        if held_out is None:
            aside = set_aside(len(vectors))
            training, normal = vectors[~aside], vectors[aside]
        else:
            training, (normal, more_bad) = vectors, _vectors(network, held_out, options, no_progress)
            bad = (*bad, *more_bad)
        _require_windows(training, normal)
        sizes = f"{len(normal):,} set aside, {training.shape[1]} values each"
        say(f"{plural(len(training), 'window')} for training, {sizes}")
        forest = ScoredForest(training, options.forest, unit=options.base is not None)
        scores = forest.scores(normal)
        threshold = threshold_at(scores, share)
        found = normal_scores(scores)
        bundle, difference = export_novelty(
            options.out,
            network,
            forest,
            name=options.name,
            normal=found,
            threshold=threshold,
            checked=normal,
            data=_lineage(options, audio, len(training)),
        )
    return NoveltyReport(
        bundle=bundle,
        training_windows=len(training),
        normal=found,
        threshold=threshold,
        above=float(np.mean(scores >= threshold)),
        difference=difference,
        duration_s=audio.duration_s,
        bad=(*audio.bad, *(held_out.bad if held_out else ()), *bad),
    )


@contextmanager
def _network(options: NoveltyOptions) -> Iterator[VectorMaker]:
    if options.base is None:
        yield StatisticsNetwork(options.features)
        return
    with open_embedding_network(read_bundle(options.base), records=EngineRecords.in_home(options.home)) as network:
        yield network


def _vectors(
    network: VectorMaker, audio: UnlabeledAudio, options: NoveltyOptions, progress: Progress
) -> tuple[Float32, tuple[UnreadableAudio, ...]]:
    """The vectors (n, values) of the windows of audio, in order, and the files that failed."""
    windows = audio.windows(network.spec.window_s, most=options.most_windows)
    found = embed_windows(network, windows, EmbeddingCache.in_home(options.home), progress=progress)
    return found.values, found.bad


def _require_windows(training: Float32, normal: Float32) -> None:
    if min(len(training), 4 * len(normal)) < FEWEST_WINDOWS:
        raise DatasetError(
            f"There are {plural(len(training), 'window')} for training and {len(normal):,} set aside, expected at "
            f"least {FEWEST_WINDOWS} and {FEWEST_WINDOWS // 4}.",
            hint="Record more sound: an hour or more of every kind of weather and time of day.",
        )


def _share(options: NoveltyOptions, window_s: float) -> float:
    """The share of normal windows above the threshold. Raises ConfigError if it is more than MOST_ANOMALIES."""
    if options.false_alarms_per_hour is None:
        return options.expected_anomalies
    share = options.false_alarms_per_hour * window_s / _HOUR_S
    if share > MOST_ANOMALIES:
        most = MOST_ANOMALIES * _HOUR_S / window_s
        raise ConfigError(
            f"--false-alarms-per-hour is {options.false_alarms_per_hour:g}; of windows of {window_s:g} s, expected at "
            f"most {most:g}, half of them.",
            hint="Allow fewer alarms.",
            field="false_alarms_per_hour",
        )
    return share


def _lineage(options: NoveltyOptions, audio: UnlabeledAudio, windows: int) -> dict[str, Any]:
    """What a forest was trained on, for the manifest."""
    return {
        "audio": [str(path) for path in options.audio],
        "files": len(audio.files),
        "duration_s": round(audio.duration_s, 1),
        "windows": windows,
        "trees": options.forest.trees,
        "samples": options.forest.samples,
        "seed": options.forest.seed,
        "held_out": [str(path) for path in options.held_out],
        "expected_anomalies": None if options.false_alarms_per_hour is not None else options.expected_anomalies,
        "false_alarms_per_hour": options.false_alarms_per_hour,
    }
