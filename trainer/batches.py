"""Training batches, made on the fly by worker threads: batch k of a seed is always the same, whoever makes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from tidzam.audio.features import FeatureSpec, Float32, extract
from trainer import augment
from trainer.folders import Sound
from trainer.models import Activation

Batch = tuple[Float32, Float32]
"""Features, shape (n, frames, mels) in dB, and targets, shape (n, classes), 0…1."""

AHEAD = 4
"""Batches made before they are asked for."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How an example is made.

    With sigmoid, sounds of one to three classes (`together` are the odds) are laid over one another, and the targets
    are all of them; a class in `exclusive` is a target only when it is alone. `background` sounds may lie under
    anything, or be all there is. With softmax, mixup and SpecAugment do that work.
    """

    activation: Activation
    together: tuple[float, ...] = (0.45, 0.4, 0.15)
    exclusive: frozenset[str] = frozenset()
    background_odds: float = 0.6
    snr_db: tuple[float, float] = (-10.0, 20.0)
    gain_db: tuple[float, float] = (-12.0, 8.0)
    noise_dbfs: tuple[float, float] = (-80.0, -56.0)


class Batches:
    """The batches of a training. `sounds` are at `spec.rate_hz`."""

    def __init__(
        self,
        sounds: Sequence[Sound],
        background: Sequence[Float32],
        classes: Sequence[str],
        spec: FeatureSpec,
        recipe: Recipe,
        *,
        size: int,
        seed: int,
    ) -> None:
        self._by_class = [[sound.samples for sound in sounds if sound.clip.label == label] for label in classes]
        self._background = background
        self._exclusive = np.array([label in recipe.exclusive for label in classes])
        self._spec, self._recipe, self._size, self._seed = spec, recipe, size, seed

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index`, counted from 0."""
        rng = np.random.default_rng([self._seed, index])
        examples = [self._example(rng) for _ in range(self._size)]
        features = extract(np.stack([window for window, _ in examples]), self._spec)
        targets = np.stack([target for _, target in examples])
        if self._recipe.activation == "softmax":
            features, targets = augment.mixup(rng, features, targets)
            features = augment.spec_augment(rng, features)
        return features, targets

    def ahead(self, count: int, *, workers: int = 1) -> Iterator[Batch]:
        """Batches 0 to `count` - 1, in order, made while the last ones are used."""
        with ThreadPoolExecutor(workers, thread_name_prefix="batches") as pool:
            waiting: deque[Future[Batch]] = deque()
            for index in range(count):
                waiting.append(pool.submit(self.__getitem__, index))
                if len(waiting) > AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _example(self, rng: Generator) -> tuple[Float32, Float32]:
        """One window and its target."""
        n = self._spec.window_samples
        chosen = self._choose(rng)
        window = np.zeros(n, dtype=np.float32)
        for number in chosen:
            of_class = self._by_class[number]
            window += self._louder(rng, augment.crop(rng, of_class[int(rng.integers(len(of_class)))], n))
        if self._background and (not chosen or rng.random() < self._recipe.background_odds):
            noise = augment.crop(rng, self._background[int(rng.integers(len(self._background)))], n)
            window += augment.at_snr(window, noise, snr_db=rng.uniform(*self._recipe.snr_db))
        low, high = self._recipe.noise_dbfs
        window = augment.microphone_noise(rng, window, low_dbfs=low, high_dbfs=high)
        return window, self._target(chosen)

    def _choose(self, rng: Generator) -> list[int]:
        """The classes that sound in an example."""
        n_classes = len(self._by_class)
        if self._recipe.activation == "softmax":
            return [int(rng.integers(n_classes))]
        if self._background and rng.random() < 1 / (n_classes + 1):
            return []
        together = self._recipe.together[:n_classes]
        count = 1 + int(rng.choice(len(together), p=np.array(together) / sum(together)))
        return [int(number) for number in rng.choice(n_classes, count, replace=False)]

    def _louder(self, rng: Generator, window: Float32) -> Float32:
        low, high = self._recipe.gain_db
        return augment.gain(rng, window, low_db=low, high_db=high)

    def _target(self, chosen: list[int]) -> Float32:
        target = np.zeros(len(self._by_class), dtype=np.float32)
        target[chosen] = 1
        if len(chosen) > 1:
            target[self._exclusive] = 0
        return target
