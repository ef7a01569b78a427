"""Augmentation: what happens to features before a network sees them, as named steps of a training file.

Features are powers in dB, so a gain adds decibels and sounds that lie together add powers (their interference, which
is as often plus as minus, is left out). A step draws all that it draws from the generator that it is given.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Protocol, Self

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from tidzam.types import Float32
from trainer.data.source import BACKGROUND, Batch
from trainer.data.spectrogram_ops import cut, interpolated, stretched, to_db, to_power

Share = Annotated[float, Field(ge=0, le=1)]
Range = tuple[float, float]


LOUD_DB = 30.0
DRAWS = 10


class AugmentContext(Protocol):
    """What a step may take beside the batch itself."""

    @property
    def floor_db(self) -> float: ...

    @property
    def exclusive(self) -> NDArray[np.bool_]:
        """Shape (classes,): the classes that hold only alone, as silence does."""
        ...

    @property
    def has_background(self) -> bool: ...

    def examples(self, rng: Generator, labels: NDArray[np.int64]) -> Float32:
        """New windows, one of each of these classes (or of `BACKGROUND`), float32 (n, frames, mels).

        They went through those steps before this one that lay nothing over them.
        """
        ...

    def white_noise(self, rng: Generator, count: int) -> Float32:
        """The powers (not dB) of windows of white noise whose RMS level is 0 dBFS."""
        ...


class Augmentation(BaseModel):
    """One kind of augmentation. `apply` returns a new batch, and leaves the one it was given as it was."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixes: ClassVar[bool] = False
    """Whether it lays examples over one another."""

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        raise NotImplementedError


class Crop(Augmentation):
    """A window from anywhere in a sequence, shifted past its ends where it is drawn so; what is missing is silence.

    At least `inside` of the window, or all of a shorter sequence, comes from the sequence. It may be up to `stretch` (a
    share) longer or shorter than it is to be, and is then stretched to fit. With `sounding` it is drawn again, a few
    times, until it holds that share of its own length (or half of all there is) within `LOUD_DB` of the loudest.
    """

    step: Literal["crop"] = "crop"
    inside: Annotated[float, Field(gt=0, le=1)] = 0.5
    stretch: Annotated[float, Field(ge=0, lt=1)] = 0.0
    sounding: Share = 0.0

    def window(self, rng: Generator, sequence: Float32, frames: int, floor_db: float) -> Float32:
        """`frames` of `sequence`, shape (any, mels)."""
        taken = frames
        if self.stretch:
            taken = max(1, round(frames * rng.uniform(1 - self.stretch, 1 + self.stretch)))
        kept = min(len(sequence), max(1, int(self.inside * taken)))
        start = self._start(rng, sequence, taken, kept)
        return stretched(cut(sequence, start, taken, floor_db), frames)

    def _start(self, rng: Generator, sequence: Float32, taken: int, kept: int) -> int:
        start = int(rng.integers(kept - taken, len(sequence) - kept + 1))
        if self.sounding:
            level = sequence.max(axis=1)
            loud = np.cumsum([0, *(level > level.max() - LOUD_DB)])
            wanted = min(self.sounding * taken, loud[-1] / 2)
            for _ in range(DRAWS):
                first, last = np.clip((start, start + taken), 0, len(sequence))
                if loud[last] - loud[first] >= wanted:
                    break
                start = int(rng.integers(kept - taken, len(sequence) - kept + 1))
        return start

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        frames = batch.features.shape[1]
        windows = [self.window(rng, sequence, frames, material.floor_db) for sequence in batch.features]
        return batch._replace(features=np.stack(windows))


class Gain(Augmentation):
    """Louder or softer, by a drawn number of decibels."""

    step: Literal["gain"] = "gain"
    db: Range = (-12.0, 8.0)

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        gain = _uniform(rng, self.db, len(batch.features))
        return batch._replace(features=batch.features + gain[:, None, None])


class Overlay(Augmentation):
    """One to several classes at once: other examples, made by the steps before this one, are laid over each.

    `odds` are those of one class, two, three…  The targets are all that sounds, but for an exclusive class, which is
    one only when it is alone.
    """

    step: Literal["together"] = "together"
    mixes: ClassVar[bool] = True
    odds: tuple[Annotated[float, Field(ge=0)], ...] = (0.45, 0.4, 0.15)

    @model_validator(mode="after")
    def _some_odds(self) -> Self:
        if sum(self.odds) <= 0:
            raise ValueError("odds must not all be 0")
        return self

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        n_classes = len(material.exclusive)
        odds = np.array(self.odds[:n_classes]) / sum(self.odds[:n_classes])
        targets = batch.targets.copy()
        below, drawn = [], []
        for example, count in enumerate(rng.choice(len(odds), len(targets), p=odds)):
            others = rng.permutation(np.flatnonzero(batch.targets[example] == 0))[:count]
            below += [example] * len(others)
            drawn += list(others)
            targets[example, others] = 1
            if len(others):
                targets[example, material.exclusive] = 0
        power = to_power(batch.features)
        over = to_power(material.examples(rng, np.array(drawn, dtype=np.int64)))
        for example, one in zip(below, over, strict=True):
            power[example] += one
        return Batch(to_db(power, material.floor_db), targets)


class Background(Augmentation):
    """Sound of no class under an example, at a drawn signal-to-noise ratio, with the odds `odds`.

    Or in its place: with the odds `alone` an example is nothing but background, and none of its targets is left.
    Without `alone` that is as often as a class, with several classes at once; with one class a window, never.
    """

    step: Literal["background"] = "background"
    mixes: ClassVar[bool] = True
    odds: Share = 0.6
    snr_db: Range = (-10.0, 20.0)
    alone: Share | None = None

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        if not material.has_background:
            return batch
        n, n_classes = batch.targets.shape
        alone_odds = 1 / (n_classes + 1) if self.alone is None else self.alone
        alone = rng.random(n) < np.full(n, alone_odds)
        under = ~alone & (rng.random(n) < np.full(n, self.odds))
        noise = material.examples(rng, np.full(n, BACKGROUND))
        features = np.where(alone[:, None, None], noise, batch.features)
        sound, below = to_power(batch.features[under]), to_power(noise[under])
        wanted = to_power(-_uniform(rng, self.snr_db, n)[under])
        below *= (wanted * _ratio(sound, below, material.floor_db))[:, None, None]
        features[under] = to_db(sound + below, material.floor_db)
        return Batch(features, np.where(alone[:, None], 0, batch.targets).astype(np.float32))


class MicrophoneNoise(Augmentation):
    """White noise of a drawn RMS level, as every microphone has."""

    step: Literal["microphone_noise"] = "microphone_noise"
    dbfs: Range = (-80.0, -56.0)

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        level = _uniform(rng, self.dbfs, len(batch.features))
        noise = material.white_noise(rng, len(batch.features)) * to_power(level)[:, None, None]
        return batch._replace(features=to_db(to_power(batch.features) + noise, material.floor_db))


class Equalise(Augmentation):
    """A microphone of another colour: a smooth curve over the bands, drawn at `knots` places within ± `db`."""

    step: Literal["equalise"] = "equalise"
    db: Annotated[float, Field(ge=0)] = 6.0
    knots: Annotated[int, Field(ge=2)] = 4

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        n, _, mels = batch.features.shape
        places, bands = np.linspace(0, mels - 1, self.knots), np.arange(mels)
        drawn = rng.uniform(-self.db, self.db, (n, self.knots))
        curves = np.stack([np.interp(bands, places, one) for one in drawn]).astype(np.float32)
        return batch._replace(features=batch.features + curves[:, None, :])


class ShiftBands(Augmentation):
    """Higher or lower, by up to `bands` mel bands: nearly what another pitch does. The outermost are repeated."""

    step: Literal["shift_bands"] = "shift_bands"
    bands: Annotated[float, Field(ge=0)] = 2.0

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        n, _, mels = batch.features.shape
        features = np.empty_like(batch.features)
        for shifted, one, by in zip(features, batch.features, _uniform(rng, (-self.bands, self.bands), n), strict=True):
            place = np.clip(np.arange(mels) - by, 0, mels - 1).astype(np.float32)
            shifted[:] = interpolated(one.T, place).T
        return batch._replace(features=features)


class Mixup(Augmentation):
    """Examples blended with others of the batch, and their targets alike.

    After H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018, with `domain: db`, which blends the
    pictures. `power` blends the sounds, after Y. Tokozume et al., "Learning from Between-class Examples for Deep Sound
    Recognition", ICLR 2018; there `alpha` is 1: any proportion is as likely.
    """

    step: Literal["mixup"] = "mixup"
    mixes: ClassVar[bool] = True
    alpha: Annotated[float, Field(gt=0)] = 0.3
    domain: Literal["db", "power"] = "db"
    odds: Share = 1.0

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        n = len(batch.features)
        share = rng.beta(self.alpha, self.alpha, n).astype(np.float32)
        share[rng.random(n) >= self.odds] = 1
        other = rng.permutation(n)
        of_features, of_targets = share[:, None, None], share[:, None]
        a, b = batch.features, batch.features[other]
        if self.domain == "power":
            features = to_db(of_features * to_power(a) + (1 - of_features) * to_power(b), material.floor_db)
        else:
            features = of_features * a + (1 - of_features) * b
        return Batch(features, of_targets * batch.targets + (1 - of_targets) * batch.targets[other])


class SpecAugment(Augmentation):
    """Stretches of time and bands of mels, `masks` of each, set to the example's mean.

    After D. S. Park et al., "SpecAugment", Interspeech 2019, without the warping. A mask takes up to `time` or
    `bands` of the whole.
    """

    step: Literal["spec_augment"] = "spec_augment"
    masks: Annotated[int, Field(ge=0)] = 2
    time: Share = 0.15
    bands: Share = 0.15

    def apply(self, rng: Generator, batch: Batch, material: AugmentContext) -> Batch:
        masked = batch.features.copy()
        for spectrogram in masked:
            mean = spectrogram.mean()
            for _ in range(self.masks):
                spectrogram[_stretch(rng, spectrogram.shape[0], self.time)] = mean
                spectrogram[:, _stretch(rng, spectrogram.shape[1], self.bands)] = mean
        return batch._replace(features=masked)


AnyAugmentation = Annotated[
    Crop | Gain | Overlay | Background | MicrophoneNoise | Equalise | ShiftBands | Mixup | SpecAugment,
    Field(discriminator="step"),
]


def _ratio(sound: Float32, noise: Float32, floor_db: float) -> Float32:
    """The mean power of each of `sound` over that of `noise`, shape (n,); 1 where one of them is silent."""
    silence = 1.001 * 10 ** (floor_db / 10)
    silent = np.minimum(sound.max(axis=(1, 2)), noise.max(axis=(1, 2))) <= silence
    ratio: Float32 = sound.mean(axis=(1, 2)) / noise.mean(axis=(1, 2))
    ratio[silent] = 1
    return ratio


def _uniform(rng: Generator, between: Range, n: int) -> Float32:
    return rng.uniform(*between, size=n).astype(np.float32)


def _stretch(rng: Generator, n: int, share: float) -> slice:
    length = int(rng.integers(0, int(share * n) + 1))
    start = int(rng.integers(0, n - length + 1))
    return slice(start, start + length)
