"""Augmentations that lay examples over one another."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

import numpy as np
from numpy.random import Generator
from pydantic import Field, model_validator

from tidzam.types import Float32
from trainer.data.augmentation.base import AugmentationStep, AugmentContext, Range, Share, uniform
from trainer.data.source import BACKGROUND, Batch
from trainer.data.spectrogram_ops import to_db, to_power


class Overlay(AugmentationStep):
    """Several classes at once: examples of other classes are laid over an example, and their classes become targets.

    An exclusive class remains a target only if nothing is laid over it. Not allowed with softmax.
    """

    step: Literal["together"] = "together"
    mixes: ClassVar[bool] = True
    adds_classes: ClassVar[bool] = True
    odds: Annotated[
        tuple[Annotated[float, Field(ge=0)], ...],
        Field(description="Relative frequencies of one class, two classes, three classes, …"),
    ] = (0.45, 0.4, 0.15)

    @model_validator(mode="after")
    def _some_odds(self) -> Self:
        if sum(self.odds) <= 0:
            raise ValueError("odds must not all be 0")
        return self

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        n_classes = len(context.exclusive)
        odds = np.array(self.odds[:n_classes]) / sum(self.odds[:n_classes])
        targets = batch.targets.copy()
        below, drawn = [], []
        for example, count in enumerate(rng.choice(len(odds), len(targets), p=odds)):
            others = rng.permutation(np.flatnonzero(batch.targets[example] == 0))[:count]
            below += [example] * len(others)
            drawn += list(others)
            targets[example, others] = 1
            if len(others):
                targets[example, context.exclusive] = 0
        power = to_power(batch.features)
        over = to_power(context.examples(rng, np.array(drawn, dtype=np.int64)))
        for example, one in zip(below, over, strict=True):
            power[example] += one
        return Batch(to_db(power, context.floor_db), targets)


class Background(AugmentationStep):
    """Background audio under an example, at a random signal-to-noise ratio, or in place of it.

    An example that is replaced has no targets left. Without background audio, nothing is changed.
    """

    step: Literal["background"] = "background"
    mixes: ClassVar[bool] = True
    odds: Annotated[Share, Field(description="Probability of background under an example.")] = 0.6
    snr_db: Annotated[Range, Field(description="Lowest and highest signal-to-noise ratio in dB.")] = (-10.0, 20.0)
    alone: Annotated[
        Share | None,
        Field(
            description="Probability that background replaces an example. None: 1 / (classes + 1), the frequency of a "
            "class."
        ),
    ] = None

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        if not context.has_background:
            return batch
        n, n_classes = batch.targets.shape
        alone_odds = 1 / (n_classes + 1) if self.alone is None else self.alone
        alone = rng.random(n) < np.full(n, alone_odds)
        under = ~alone & (rng.random(n) < np.full(n, self.odds))
        noise = context.examples(rng, np.full(n, BACKGROUND))
        features = np.where(alone[:, None, None], noise, batch.features)
        signal, below = to_power(batch.features[under]), to_power(noise[under])
        wanted = to_power(-uniform(rng, self.snr_db, n)[under])
        below *= (wanted * _ratio(signal, below, context.floor_db))[:, None, None]
        features[under] = to_db(signal + below, context.floor_db)
        return Batch(features, np.where(alone[:, None], 0, batch.targets).astype(np.float32))


class Mixup(AugmentationStep):
    """Examples blended with other examples of the batch; their targets are blended in the same proportion.

    After H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018 (`db`), and Y. Tokozume et al.,
    "Learning from Between-class Examples for Deep Sound Recognition", ICLR 2018 (`power`, with `alpha` 1).
    """

    step: Literal["mixup"] = "mixup"
    mixes: ClassVar[bool] = True
    alpha: Annotated[
        float, Field(gt=0, description="Both parameters of the beta distribution of the proportion; 1 is uniform.")
    ] = 0.3
    domain: Annotated[
        Literal["db", "power"], Field(description="What is blended: spectrograms in dB, or the powers of the signals.")
    ] = "db"
    odds: Annotated[Share, Field(description="Probability that an example is blended.")] = 1.0

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        n = len(batch.features)
        share = rng.beta(self.alpha, self.alpha, n).astype(np.float32)
        share[rng.random(n) >= self.odds] = 1
        other = rng.permutation(n)
        of_features, of_targets = share[:, None, None], share[:, None]
        a, b = batch.features, batch.features[other]
        if self.domain == "power":
            features = to_db(of_features * to_power(a) + (1 - of_features) * to_power(b), context.floor_db)
        else:
            features = of_features * a + (1 - of_features) * b
        return Batch(features, of_targets * batch.targets + (1 - of_targets) * batch.targets[other])


def _ratio(signal: Float32, noise: Float32, floor_db: float) -> Float32:
    """The mean power of each signal divided by that of its noise, shape (n,); 1 where one of the two is silent."""
    silence = 1.001 * 10 ** (floor_db / 10)
    silent = np.minimum(signal.max(axis=(1, 2)), noise.max(axis=(1, 2))) <= silence
    ratio: Float32 = signal.mean(axis=(1, 2)) / noise.mean(axis=(1, 2))
    ratio[silent] = 1
    return ratio
