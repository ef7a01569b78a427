"""Where a training takes place: on this machine, or on the machines of a cluster. The rest need not know which."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from trainer.data.source import Batch
from trainer.loop import StepReport, TrainingState
from trainer.models import Build

if TYPE_CHECKING:
    import tensorflow as tf

MakeBatches = Callable[[int], Iterator[Batch]]
"""This process's batches, from number `start` on."""


class Backend(Protocol):
    """What a training asks of it, in this order."""

    @property
    def part(self) -> tuple[int, int]:
        """Which part of the training data this process reads, of how many."""
        ...

    @property
    def io_device(self) -> str | None:
        """TensorFlow's device that checkpoints are written by, if not wherever a weight is kept."""
        ...

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        """Take part, with batches of what is told `about`. Gives the strategy that the trainee is to be made under."""
        ...

    def build(self, build: Build) -> Build:
        """Builds what `build` does, as it is kept here."""
        ...

    def run(
        self, state: TrainingState, test: Batch | None, *, iterations: int, testing_step: int
    ) -> Generator[StepReport]:
        """Train from the trainee's own step to `iterations`, and report each step."""
        ...

    def gather_weights(self, state: TrainingState, build: Build) -> TrainingState:
        """The trainee on this machine, as `build` builds it, to be measured and written."""
        ...

    def push_weights(self, home: TrainingState, state: TrainingState) -> None:
        """Give `state` the weights of `home`, which was brought home before."""
        ...

    def translate_errors(self) -> AbstractContextManager[None]:
        """Inside it, what goes wrong elsewhere is said in one line."""
        ...

    def shutdown(self) -> None:
        """The training is complete: nobody else is needed any more."""
        ...
