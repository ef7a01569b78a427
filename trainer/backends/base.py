"""What a training needs from the place where it runs. The rest of the trainer does not know which backend it has."""

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
"""The batches of this process, from number `start` on."""


class Backend(Protocol):
    """Where a training runs. The methods are called in this order, in one thread."""

    @property
    def part(self) -> tuple[int, int]:
        """Which part of the training data this process reads: (index, number of parts)."""
        ...

    @property
    def io_device(self) -> str | None:
        """The TensorFlow device that writes checkpoints; None: the device of each weight."""
        ...

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        """Take part with the batches of `make`; `about` describes their data.

        Returns the strategy under whose scope the network is to be built.
        """
        ...

    def build(self, build: Build) -> Build:
        """Returns an architecture with the same function as `build`, with its weights laid out for this backend."""
        ...

    def run(
        self, state: TrainingState, test: Batch | None, *, iterations: int, testing_step: int
    ) -> Generator[StepReport]:
        """Train from the current step of `state` to step `iterations`, and report each step."""
        ...

    def gather_weights(self, state: TrainingState, build: Build) -> TrainingState:
        """A copy of `state` on this machine, with a network of `build`, to be evaluated and exported."""
        ...

    def push_weights(self, local: TrainingState, state: TrainingState) -> None:
        """Copy the weights of `local`, which `gather_weights` returned, into `state`."""
        ...

    def translate_errors(self) -> AbstractContextManager[None]:
        """Context manager that turns remote TensorFlow failures into one-line ClusterErrors."""
        ...

    def shutdown(self) -> None:
        """End the other processes: the training is complete."""
        ...
