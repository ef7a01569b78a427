"""Training batches. Batch number k of a seed is always the same, whichever process makes it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from tidzam.audio.features import FeatureSpec, extract_sequence
from tidzam.types import Float32
from trainer.data.augmentation import Augmentation, Crop
from trainer.data.source import BACKGROUND, Batch, TrainingSource
from trainer.data.spectrogram_ops import cut, to_power

Draw = Literal["balanced", "natural"]

NOISE_S = 20.0
"""Length of the white noise that is made once, and cropped at random."""


class Batches:
    """The endless batches of a training; `batches[k]` makes batch number k.

    `draw`: `balanced` draws all classes equally often, `natural` uses each sequence once per epoch. `table`, float32
    (classes, outputs), gives the targets of each class; by default, each class is an output. Instances are picklable.
    """

    def __init__(
        self,
        source: TrainingSource,
        spec: FeatureSpec,
        augmentations: Sequence[Augmentation],
        *,
        size: int,
        seed: int,
        draw: Draw = "balanced",
        exclusive: Collection[str] = (),
        table: Float32 | None = None,
    ) -> None:
        self.size = size
        self._source, self._spec, self._seed, self._draw = source, spec, seed, draw
        self._crop = augmentations[0] if augmentations and isinstance(augmentations[0], Crop) else None
        self._augmentations = tuple(one for one in augmentations if not isinstance(one, Crop))
        self._exclusive = np.array([label in exclusive for label in source.classes])
        self._table = table
        labels = source.labels
        self._of_label = {int(label): np.flatnonzero(labels == label) for label in np.unique(labels)}
        self._foreground = np.flatnonzero(labels != BACKGROUND)
        self._classes = np.array([label for label in self._of_label if label != BACKGROUND])

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index`, counted from 0."""
        rng = np.random.default_rng([self._seed, index])
        sequences = self._draw_sequences(rng, index)
        targets = np.eye(len(self._exclusive), dtype=np.float32)[self._source.labels[sequences]]
        batch = Batch(self._windows(rng, sequences), targets)
        for number, augmentation in enumerate(self._augmentations):
            batch = augmentation.apply(rng, batch, _BatchContext(self, number))
        features = np.maximum(batch.features, np.float32(self._spec.floor_db))
        if self._table is None:
            return Batch(features, batch.targets)
        return Batch(features, np.minimum(batch.targets @ self._table, np.float32(1)))

    def _draw_sequences(self, rng: Generator, index: int) -> NDArray[np.int64]:
        """The sequences that the examples of batch number `index` are cut from."""
        if self._draw == "balanced":
            return self._draw_of(rng, rng.choice(self._classes, self.size))
        epochs, positions = np.divmod(np.arange(index * self.size, (index + 1) * self.size), len(self._foreground))
        return np.array(
            [self._order(int(epoch))[position] for epoch, position in zip(epochs, positions, strict=True)],
            dtype=np.int64,
        )

    def _order(self, epoch: int) -> NDArray[np.int64]:
        """All sequences except background, in the order of an epoch."""
        if self._last_order[0] != epoch:
            shuffled = np.random.default_rng([self._seed, epoch, 1]).permutation(self._foreground)
            self._last_order = epoch, shuffled
        return self._last_order[1]

    _last_order: tuple[int, NDArray[np.int64]] = (-1, np.empty(0, dtype=np.int64))

    def _draw_of(self, rng: Generator, labels: NDArray[np.int64]) -> NDArray[np.int64]:
        """Draw one sequence of each of `labels`."""
        pools = [self._of_label[int(label)] for label in labels]
        return np.array([pool[rng.integers(len(pool))] for pool in pools], dtype=np.int64)

    def _windows(self, rng: Generator, sequences: NDArray[np.int64]) -> Float32:
        windows = np.empty((len(sequences), *self._spec.shape), dtype=np.float32)
        for window, index in zip(windows, sequences, strict=True):
            window[:] = self._window(rng, self._source.sequence(int(index)))
        return windows

    def _window(self, rng: Generator, sequence: Float32) -> Float32:
        frames, floor_db = self._spec.n_frames, self._spec.floor_db
        if self._crop is not None:
            return self._crop.window(rng, sequence, frames, floor_db)
        return cut(sequence, max(0, (len(sequence) - frames) // 2), frames, floor_db)

    @cached_property
    def _noise(self) -> Float32:
        """The powers of white noise with an RMS level of 0 dBFS, shape (frames, mels)."""
        samples = int((NOISE_S + self._spec.window_s) * self._spec.rate_hz)
        noise = np.random.default_rng(0).standard_normal(samples, dtype=np.float32)
        return to_power(extract_sequence(noise, self._spec))


@dataclass(frozen=True)
class _BatchContext:
    """The `AugmentContext` of augmentation number `number` of some batches."""

    batches: Batches
    number: int

    @property
    def floor_db(self) -> float:
        return self.batches._spec.floor_db

    @property
    def exclusive(self) -> NDArray[np.bool_]:
        return self.batches._exclusive

    @property
    def has_background(self) -> bool:
        return BACKGROUND in self.batches._of_label

    def examples(self, rng: Generator, labels: NDArray[np.int64]) -> Float32:
        sequences = self.batches._draw_of(rng, labels)
        no_targets = np.zeros((len(labels), len(self.exclusive)), dtype=np.float32)
        batch = Batch(self.batches._windows(rng, sequences), no_targets)
        for number, augmentation in enumerate(self.batches._augmentations[: self.number]):
            if not augmentation.mixes:
                batch = augmentation.apply(rng, batch, _BatchContext(self.batches, number))
        return batch.features

    def white_noise(self, rng: Generator, count: int) -> Float32:
        frames, noise = self.batches._spec.n_frames, self.batches._noise
        starts = rng.integers(0, len(noise) - frames + 1, count)
        return np.stack([noise[start : start + frames] for start in starts])
