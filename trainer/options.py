"""The options of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tidzam.paths import checkpoints_folder, training_folder
from trainer.topology import Cluster
from trainer.training_file import TrainingFile

STATS_STEP = 100
"""Batches between summaries by default: they then cost the default network 3 % of the time. Every 10 batches, as in
Tidzam 2019, they would cost a third (`bench summaries`)."""
NB_EMBEDDINGS = 50


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """The data of a training, its output and how it is run; `training` has what is learnt, and how.

    `out` is the folder of the bundle, or with `expert` the folder of several bundles. `batch_workers` processes make
    batches; with 0 a thread does. `cache_mb` limits the features that all of them cache together. With `stats_step` 0
    no summaries are written. `cluster` is None for a training on this machine alone. An unfinished
    training of the same `out` is continued with `resume`, and discarded with `restart`.
    """

    dataset_train: Path
    dataset_test: Path | None = None
    out: Path
    name: str
    training: TrainingFile = field(default_factory=TrainingFile)
    expert: bool = False
    init: Path | None = None
    resume: bool = False
    restart: bool = False
    strict: bool = False
    batch_workers: int = 1
    cache_mb: int = 1024
    checkpoint_step: int = 500
    stats_step: int = STATS_STEP
    nb_embeddings: int = NB_EMBEDDINGS
    cluster: Cluster | None = None

    @property
    def work(self) -> Path:
        """The folder beside the bundle: `checkpoints`, `summaries` and `training.yaml`, the complete training file."""
        return training_folder(self.out)

    @property
    def checkpoints(self) -> Path:
        return checkpoints_folder(self.out)

    @property
    def summaries(self) -> Path:
        return self.work / "summaries"
