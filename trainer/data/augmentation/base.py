"""What an augmentation is, and what it may use."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, ClassVar, Protocol

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from tidzam.types import Float32
from trainer.data.source import Batch

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


class AugmentContext(Protocol):
    """What an augmentation may use beside the batch."""

    @property
    def floor_db(self) -> float:
        """The level of silence in dB. Features are never lower."""
        ...

    @property
    def exclusive(self) -> NDArray[np.bool_]:
        """Which classes are only present alone, such as silence: shape (classes,)."""
        ...

    @property
    def has_background(self) -> bool:
        """Whether there is background audio."""
        ...

    def examples(self, rng: Generator, labels: NDArray[np.int64]) -> Float32:
        """Draw one window of each of `labels` (class indices or `BACKGROUND`): float32 (n, frames, mels), in dB.

        Earlier augmentations of the list have been applied to them, except for those that mix examples.
        """
        ...

    def white_noise(self, rng: Generator, count: int) -> Float32:
        """Draw windows of white noise with an RMS level of 0 dBFS: powers, not dB, float32 (count, frames, mels)."""
        ...


class Augmentation(Protocol):
    """A random change to training batches: the extension point `tidzam.augmentations`.

    An implementation is a subclass of `AugmentationStep`, whose fields are its parameters in a training file. It is
    called in the processes that make batches, one batch at a time; instances are pickled, immutable and shared, so
    that no state is kept from one batch to the next. It must not import TensorFlow.
    """

    mixes: ClassVar[bool]
    """Whether it lays examples over one another. Such augmentations do not apply to what `AugmentContext` draws."""
    adds_classes: ClassVar[bool]
    """Whether an example may have several classes afterwards. Softmax does not allow that."""

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        """Return a new batch of the same shapes and dtypes; `batch` must not be changed.

        `batch.features`, float32 (n, frames, mels), are log-mel powers in dB: a gain adds decibels, and signals that
        overlap add powers. `batch.targets`, float32 (n, classes), are in 0…1. All random numbers come from `rng`, so
        that the same generator gives the same batch.
        """
        ...


class AugmentationStep(BaseModel):
    """Base class of augmentations: an immutable set of parameters, read from one item of the training file's `augment`.

    A subclass declares its name as `step: Literal["name"] = "name"` and its parameters as further fields with defaults.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixes: ClassVar[bool] = False
    adds_classes: ClassVar[bool] = False

    step: Any

    @abstractmethod
    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        """See `Augmentation.apply`."""


def uniform(rng: Generator, between: Range, n: int) -> Float32:
    """`n` random numbers between two bounds, shape (n,)."""
    return rng.uniform(*between, size=n).astype(np.float32)
