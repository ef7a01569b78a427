"""Subsets of training data, and the split into training and validation data by recordings."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec
from tidzam.dataset import Origin
from tidzam.types import Float32
from trainer.data.source import TrainingSource

TRAIN_SHARE = 0.8

Indices = NDArray[np.int64]


class Subset:
    """Some sequences of a source, in the order of `indices`."""

    def __init__(self, source: TrainingSource, indices: Indices) -> None:
        self._source, self._indices = source, indices

    @property
    def classes(self) -> tuple[str, ...]:
        return self._source.classes

    @property
    def spec(self) -> FeatureSpec:
        return self._source.spec

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        return self._source.labels[self._indices]

    @property
    def groups(self) -> Sequence[str]:
        groups = self._source.groups
        return [groups[index] for index in self._indices]

    def __len__(self) -> int:
        return len(self._indices)

    def sequence(self, index: int) -> Float32:
        return self._source.sequence(int(self._indices[index]))

    def origin(self, index: int) -> Origin:
        return self._source.origin(int(self._indices[index]))


class JoinedSource:
    """Several sources with the same classes and features, one after another."""

    def __init__(self, sources: Sequence[TrainingSource]) -> None:
        self._sources = tuple(sources)
        self._starts = np.cumsum([0, *map(len, sources)])
        self.classes, self.spec = sources[0].classes, sources[0].spec
        self.labels: NDArray[np.int64] = np.concatenate([source.labels for source in sources])

    @property
    def groups(self) -> Sequence[str]:
        return [group for source in self._sources for group in source.groups]

    def __len__(self) -> int:
        return len(self.labels)

    def sequence(self, index: int) -> Float32:
        source, inside = self._locate(index)
        return source.sequence(inside)

    def origin(self, index: int) -> Origin:
        source, inside = self._locate(index)
        return source.origin(inside)

    def _locate(self, index: int) -> tuple[TrainingSource, int]:
        number = int(np.searchsorted(self._starts, index, side="right")) - 1
        return self._sources[number], index - int(self._starts[number])


def part_of(source: TrainingSource, index: int, count: int) -> Subset:
    """Part `index` of `count` disjoint parts of `source`: every `count`-th sequence."""
    return Subset(source, np.arange(index, len(source), count))


def split(source: TrainingSource) -> tuple[Subset, Subset]:
    """Training and validation sequences, about 80 to 20, the same on every machine.

    A recording is on one side, whatever classes its sequences have. If all recordings of a class fall on one side, one
    of them is moved to the other side, provided that there are two.
    """
    groups, labels = np.array(source.groups), source.labels
    lots = {group: _lot(group) for group in set(source.groups)}
    held_out = {group for group, lot in lots.items() if lot >= TRAIN_SHARE}
    for label in np.unique(labels):
        of_class = sorted(set(groups[labels == label]), key=lots.__getitem__)
        if len(of_class) > 1 and not held_out.intersection(of_class):
            held_out.add(of_class[-1])
    for label in np.unique(labels):  # training data takes precedence
        of_class = sorted(set(groups[labels == label]), key=lots.__getitem__)
        if held_out.issuperset(of_class):
            held_out.discard(of_class[0])
    test = np.array([group in held_out for group in groups], dtype=np.bool_)
    return Subset(source, np.flatnonzero(~test)), Subset(source, np.flatnonzero(test))


def _lot(group: str) -> float:
    """A number from 0 to 1 that depends only on the name."""
    return int.from_bytes(hashlib.sha256(group.encode()).digest()[:4]) / 2**32
