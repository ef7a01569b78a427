"""Training data: feature sequences with their classes, wherever they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32

BACKGROUND: Final = -1
"""The label of background: audio of no class, which may be mixed under other sequences."""


class Batch(NamedTuple):
    """`features`, float32 (n, frames, mels) in dB, and `targets`, float32 (n, outputs), 0…1."""

    features: Float32
    targets: Float32

    def first(self, count: int) -> Batch:
        """The first `count` examples."""
        return Batch(self.features[:count], self.targets[:count])


class TrainingSource(Protocol):
    """Labeled feature sequences. A *sequence* is the log-mel features of a clip or a segment of it, in dB.

    `labels` has shape (n,): indices into `classes`, or `BACKGROUND`. `groups` names the recording of each sequence: a
    recording is never on both sides of a split. `spec` describes how the features were made; its window may be longer
    than that of the classifier. Sources are picklable.
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
        """Sequence number `index`, float32 (frames, mels), in dB. It must not be modified.

        Raises DatasetError if it can no longer be read.
        """
        ...

    def origin(self, index: int) -> Origin:
        """The file of sequence number `index`, and where the sequence begins in it."""
        ...
