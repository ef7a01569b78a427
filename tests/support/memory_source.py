"""A source that is held in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32


@dataclass(frozen=True)
class MemorySource:
    """Each sequence is a separate recording, unless `origins` is given."""

    spec: FeatureSpec
    classes: tuple[str, ...]
    sequences: Sequence[Float32]
    labels: NDArray[np.int64]
    origins: Sequence[Origin] = ()

    @property
    def groups(self) -> Sequence[str]:
        return [self.origin(index).group for index in range(len(self))]

    def __len__(self) -> int:
        return len(self.sequences)

    def sequence(self, index: int) -> Float32:
        return self.sequences[index]

    def origin(self, index: int) -> Origin:
        return self.origins[index] if self.origins else Origin(f"{index}.wav", group=str(index))
