"""Compiled datasets as training data: each sample is a feature sequence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Dataset, Origin, open_dataset
from tidzam.errors import DatasetError
from tidzam.types import Float32
from trainer.data.source import BACKGROUND


class CompiledSource:
    """The samples of a compiled dataset, read on demand. Those whose class is not in `classes` are background."""

    def __init__(self, dataset: Dataset, classes: Sequence[str]) -> None:
        self._dataset = dataset
        self.classes = tuple(classes)
        numbers = {label: number for number, label in enumerate(self.classes)}
        table = np.array([numbers.get(label, BACKGROUND) for label in dataset.classes], dtype=np.int64)
        self.labels: NDArray[np.int64] = table[dataset.labels]

    @property
    def spec(self) -> FeatureSpec:
        return self._dataset.spec

    @property
    def groups(self) -> Sequence[str]:
        return self._dataset.groups

    def __len__(self) -> int:
        return len(self._dataset)

    def sequence(self, index: int) -> Float32:
        sequence: Float32 = self._dataset.features(index)[0]
        return sequence

    def origin(self, index: int) -> Origin:
        return self._dataset.origins()[index]

    def __getstate__(self) -> dict[str, Any]:
        """Open files are not pickled: another process opens the dataset itself."""
        return {**self.__dict__, "_dataset": (self._dataset.folder, self._dataset.checksum)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._dataset = _open_again(*state["_dataset"])


def _open_again(folder: Path, checksum: str) -> Dataset:
    dataset = open_dataset(folder)
    if dataset.checksum != checksum:
        raise DatasetError(
            f"Dataset {folder} was changed during the training.", hint="Train again.", code="dataset_changed"
        )
    return dataset
