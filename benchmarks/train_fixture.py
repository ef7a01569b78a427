"""What the trainer's benchmarks train: a network of five classes, by the trainer's own loop, and batches of noise."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tidzam.audio.features import FeatureSpec
from trainer.data.source import Batch
from trainer.heads import Head
from trainer.loop import StepReport, TrainingState, run_local
from trainer.models import find_model
from trainer.tensorflow_setup import local_strategy
from trainer.training_file import TrainingFile

SPEC = FeatureSpec()
CLASSES = ("birds", "frogs", "rain", "silence", "speech")
ENDLESS = 10**9
"""More steps than any benchmark makes: it ends when it has seen enough."""


def new_training_state(training: TrainingFile) -> TrainingState:
    return TrainingState.create(
        find_model(training.dnn),
        SPEC.shape,
        heads=[Head("bench", CLASSES)],
        activation=training.activation,
        recipe=training.optimizer,
        iterations=ENDLESS,
    )


def run_endless(state: TrainingState, supply: Iterator[Batch]) -> Iterator[StepReport]:
    """Train for as long as reports are taken, without validation."""
    return run_local(state, supply, None, strategy=local_strategy(), iterations=ENDLESS, testing_step=ENDLESS)


def noise_batch(size: int, seed: int) -> Batch:
    rng = np.random.default_rng(seed)
    targets = np.eye(len(CLASSES), dtype=np.float32)[rng.integers(len(CLASSES), size=size)]
    return Batch(rng.uniform(-90, -20, (size, *SPEC.shape)).astype(np.float32), targets)
