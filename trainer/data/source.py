"""What batches are made of: sequences of features with their classes, wherever they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32

BACKGROUND: Final = -1
"""The label of a sequence of no class: it may lie under the others, and is nothing to be recognised."""


class Batch(NamedTuple):
    """`features`, float32 (n, frames, mels) in dB, and `targets`, float32 (n, outputs), 0…1."""

    features: Float32
    targets: Float32

    def first(self, count: int) -> Batch:
        return Batch(self.features[:count], self.targets[:count])


class TrainingSource(Protocol):
    """Sequences of features. A *sequence* is the log-mel features of a stretch of sound, in dB, of any length.

    `labels` has shape (n,): an index into `classes`, or `BACKGROUND`. `groups` names the recording each sequence is of:
    what comes from one recording is never on both sides of a split. `spec` is how the features were made; its window
    may be longer than a classifier's. A source can be sent to another process.
    """

    @property
    def classes(self) -> tuple[str, ...]: ...

    @property
    def labels(self) -> NDArray[np.int64]: ...

    @property
    def groups(self) -> Sequence[str]: ...

    @property
    def spec(self) -> FeatureSpec: ...

    def __len__(self) -> int: ...

    def sequence(self, index: int) -> Float32:
        """Sequence number `index`, shape (frames, mels), in dB. It is not to be written to.

        Raises DatasetError if it cannot be read any more.
        """
        ...

    def origin(self, index: int) -> Origin:
        """The file that sequence number `index` is of, and where in it the sequence begins."""
        ...
