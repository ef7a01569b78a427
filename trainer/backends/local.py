"""Training on this machine, with all its GPUs or its CPU."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from trainer.backends.base import MakeBatches
from trainer.data.source import Batch
from trainer.loop import StepReport, TrainingState, run_local
from trainer.models import Build
from trainer.tensorflow_setup import local_strategy

if TYPE_CHECKING:
    import tensorflow as tf


class LocalBackend:
    """Trains on all GPUs of this machine, or on its CPU."""

    part = (0, 1)
    io_device = None

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        self._make = make
        self._strategy = local_strategy()
        return self._strategy

    def build(self, build: Build) -> Build:
        return build

    def run(
        self, state: TrainingState, test: Batch | None, *, iterations: int, testing_step: int
    ) -> Generator[StepReport]:
        return run_local(
            state,
            self._make(state.done),
            test,
            strategy=self._strategy,
            iterations=iterations,
            testing_step=testing_step,
        )

    def gather_weights(self, state: TrainingState, build: Build) -> TrainingState:
        return state

    def push_weights(self, local: TrainingState, state: TrainingState) -> None:
        pass

    def translate_errors(self) -> AbstractContextManager[None]:
        return nullcontext()

    def shutdown(self) -> None:
        pass
