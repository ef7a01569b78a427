"""Where a training takes place: on this machine, or on the machines of a cluster. The rest need not know which."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Protocol

from trainer.input.source import Batch
from trainer.loop import Report, Trainee, run_local
from trainer.models import Build
from trainer.runtime import local_strategy

if TYPE_CHECKING:
    import tensorflow as tf

MakeBatches = Callable[[int], Iterator[Batch]]
"""This process's batches, from number `start` on."""


class Place(Protocol):
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

    def run(self, trainee: Trainee, test: Batch | None, *, iterations: int, testing_step: int) -> Generator[Report]:
        """Train from the trainee's own step to `iterations`, and report each step."""
        ...

    def bring_home(self, trainee: Trainee, build: Build) -> Trainee:
        """The trainee on this machine, as `build` builds it, to be measured and written."""
        ...

    def send_out(self, home: Trainee, trainee: Trainee) -> None:
        """Give `trainee` the weights of `home`, which was brought home before."""
        ...

    def plain_errors(self) -> AbstractContextManager[None]:
        """Inside it, what goes wrong elsewhere is said in one line."""
        ...

    def dismiss(self) -> None:
        """The training is complete: nobody else is needed any more."""
        ...


class Here:
    """This machine, with all its GPUs or its CPU."""

    part = (0, 1)
    io_device = None

    def join(self, make: MakeBatches, *, about: str) -> tf.distribute.Strategy:
        self._make = make
        self._strategy = local_strategy()
        return self._strategy

    def build(self, build: Build) -> Build:
        return build

    def run(self, trainee: Trainee, test: Batch | None, *, iterations: int, testing_step: int) -> Generator[Report]:
        return run_local(
            trainee,
            self._make(trainee.done),
            test,
            strategy=self._strategy,
            iterations=iterations,
            testing_step=testing_step,
        )

    def bring_home(self, trainee: Trainee, build: Build) -> Trainee:
        return trainee

    def send_out(self, home: Trainee, trainee: Trainee) -> None:
        pass

    def plain_errors(self) -> AbstractContextManager[None]:
        return nullcontext()

    def dismiss(self) -> None:
        pass
