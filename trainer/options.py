"""What a training is told."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from tidzam.bundle import MANIFEST
from tidzam.errors import ConfigError
from tidzam.manifest_fields import NAME_PATTERN
from trainer.topology import Cluster
from trainer.training_file import TrainingFile

STATS_STEP = 100
"""Batches between summaries by default: they then cost the default network 3 % of the time. Every 10 batches, as in
Tidzam 2019, they would cost a third (`bench summaries`)."""
NB_EMBEDDINGS = 50


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What a training is told: its data, its place, how it is to go about it; `training` says what is learnt and how.

    `out` is the bundle's folder, or with `expert` that of several. `batch_workers` processes make batches; with 0 it
    is a thread. `cache_mb` bounds the features that they keep, all together. A `stats_step` of 0 writes no summaries.
    """

    dataset_train: Path
    dataset_test: Path | None = None
    out: Path
    name: str
    training: TrainingFile = field(default_factory=TrainingFile)
    expert: bool = False
    init: Path | None = None
    resume: bool = False
    strict: bool = False
    batch_workers: int = 1
    cache_mb: int = 1024
    checkpoint_step: int = 500
    stats_step: int = STATS_STEP
    nb_embeddings: int = NB_EMBEDDINGS
    cluster: Cluster | None = None

    @property
    def work(self) -> Path:
        """Beside the bundle: `checkpoints`, `summaries` and `training.yaml`, the training as it is."""
        return self.out.with_name(self.out.name + ".training")

    @property
    def checkpoints(self) -> Path:
        return self.work / "checkpoints"

    @property
    def summaries(self) -> Path:
        return self.work / "summaries"


def check_output(options: TrainingOptions) -> None:
    """Refuse now what would fail when all is trained, or take the place of something that is no bundle."""
    if re.fullmatch(NAME_PATTERN, options.name) is None:
        raise ConfigError(
            f"{options.name!r} cannot name a classifier.", hint="Use letters, digits and ._-", field="name"
        )
    if options.init is not None and options.training.ensemble > 1:
        raise ConfigError(
            "An ensemble cannot start from a bundle: its members would be the same.",
            hint="Leave one out.",
            field="init",
        )
    out = options.out
    bundles = [path for path in _entries(out) if not _is_paper(path)] if options.expert else [out]
    if any(not _is_free(bundle) for bundle in bundles) or (out.exists() and not out.is_dir()):
        raise ConfigError(
            f"{out} is there already, and is no bundle.",
            hint="Name a folder that is new, empty or a bundle.",
            field="out",
        )
    if any(options.checkpoints.glob("*.index")) and not options.resume:
        raise ConfigError(
            f"{options.work} holds an unfinished training.",
            hint="Go on with --resume, or remove it.",
            field="resume",
            code="unfinished",
        )


def _entries(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.is_dir() else []


def _is_paper(path: Path) -> bool:
    """Hidden, or the card of a bundle that was evaluated."""
    return path.name.startswith(".") or path.name.endswith(".evaluation")


def _is_free(place: Path) -> bool:
    return not place.exists() or (place / MANIFEST).is_file() or (place.is_dir() and not any(place.iterdir()))
