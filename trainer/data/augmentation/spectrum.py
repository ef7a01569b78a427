"""Augmentations of single examples: level, noise, frequency response, pitch, masks."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from numpy.random import Generator
from pydantic import Field

from trainer.data.augmentation.base import AugmentationStep, AugmentContext, Range, Share, uniform
from trainer.data.source import Batch
from trainer.data.spectrogram_ops import interpolated, to_db, to_power


class Gain(AugmentationStep):
    """A random gain per example."""

    step: Literal["gain"] = "gain"
    db: Annotated[Range, Field(description="Lowest and highest gain in dB.")] = (-12.0, 8.0)

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        gain = uniform(rng, self.db, len(batch.features))
        return batch._replace(features=batch.features + gain[:, None, None])


class MicrophoneNoise(AugmentationStep):
    """White noise at a random level per example, as every microphone has."""

    step: Literal["microphone_noise"] = "microphone_noise"
    dbfs: Annotated[Range, Field(description="Lowest and highest RMS level in dBFS.")] = (-80.0, -56.0)

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        level = uniform(rng, self.dbfs, len(batch.features))
        noise = context.white_noise(rng, len(batch.features)) * to_power(level)[:, None, None]
        return batch._replace(features=to_db(to_power(batch.features) + noise, context.floor_db))


class Equalize(AugmentationStep):
    """A random frequency response per example, as of another microphone: a piecewise linear curve over the bands."""

    step: Literal["equalize"] = "equalize"
    db: Annotated[float, Field(ge=0, description="Largest gain or attenuation of a band in dB.")] = 6.0
    knots: Annotated[int, Field(ge=2, description="Number of points of the curve.")] = 4

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        n, _, mels = batch.features.shape
        positions, bands = np.linspace(0, mels - 1, self.knots), np.arange(mels)
        drawn = rng.uniform(-self.db, self.db, (n, self.knots))
        curves = np.stack([np.interp(bands, positions, one) for one in drawn]).astype(np.float32)
        return batch._replace(features=batch.features + curves[:, None, :])


class ShiftBands(AugmentationStep):
    """A random shift along the mel axis, which approximates a change of pitch. The outermost bands are repeated."""

    step: Literal["shift_bands"] = "shift_bands"
    bands: Annotated[float, Field(ge=0, description="Largest shift up or down, in mel bands.")] = 2.0

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        n, _, mels = batch.features.shape
        features = np.empty_like(batch.features)
        shifts = uniform(rng, (-self.bands, self.bands), n)
        for shifted, one, shift in zip(features, batch.features, shifts, strict=True):
            positions = np.clip(np.arange(mels) - shift, 0, mels - 1).astype(np.float32)
            shifted[:] = interpolated(one.T, positions).T
        return batch._replace(features=features)


class SpecAugment(AugmentationStep):
    """Masks over time and over mel bands, set to the example's mean.

    After D. S. Park et al., "SpecAugment", Interspeech 2019, without time warping.
    """

    step: Literal["spec_augment"] = "spec_augment"
    masks: Annotated[int, Field(ge=0, description="Number of masks of each kind.")] = 2
    time: Annotated[Share, Field(description="Longest time mask, as a share of the window.")] = 0.15
    bands: Annotated[Share, Field(description="Widest band mask, as a share of the bands.")] = 0.15

    def apply(self, rng: Generator, batch: Batch, context: AugmentContext) -> Batch:
        masked = batch.features.copy()
        for spectrogram in masked:
            mean = spectrogram.mean()
            for _ in range(self.masks):
                spectrogram[_mask(rng, spectrogram.shape[0], self.time)] = mean
                spectrogram[:, _mask(rng, spectrogram.shape[1], self.bands)] = mean
        return batch._replace(features=masked)


def _mask(rng: Generator, n: int, share: float) -> slice:
    length = int(rng.integers(0, int(share * n) + 1))
    start = int(rng.integers(0, n - length + 1))
    return slice(start, start + length)
