"""What happens to sound before a network sees it. Every step draws from the generator that it is given."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from tidzam.audio.features import Float32


def crop(rng: Generator, sound: Float32, n: int, *, inside: float = 0.5) -> Float32:
    """`n` samples from anywhere in `sound`, shape (frames,), shifted past its ends where it is drawn so.

    At least `inside` of the crop, or all of a shorter sound, comes from the sound; the rest is zeros.
    """
    kept = min(len(sound), int(inside * n))
    start = int(rng.integers(kept - n, len(sound) - kept + 1))
    window = np.zeros(n, dtype=np.float32)
    first, last = max(start, 0), min(start + n, len(sound))
    window[first - start : last - start] = sound[first:last]
    return window


def gain(rng: Generator, sound: Float32, *, low_db: float, high_db: float) -> Float32:
    """`sound` louder or softer by a drawn number of decibels."""
    return sound * np.float32(10 ** (rng.uniform(low_db, high_db) / 20))


def microphone_noise(rng: Generator, sound: Float32, *, low_dbfs: float, high_dbfs: float) -> Float32:
    """`sound` with white noise of a drawn RMS level under it."""
    level = np.float32(10 ** (rng.uniform(low_dbfs, high_dbfs) / 20))
    return sound + level * rng.standard_normal(sound.shape, dtype=np.float32)


def at_snr(sound: Float32, noise: Float32, *, snr_db: float) -> Float32:
    """`noise`, scaled so that `sound` is `snr_db` above it; as it is, if one of them is nothing but zeros."""
    power, noise_power = float(np.mean(sound**2)), float(np.mean(noise**2))
    if power == 0 or noise_power == 0:
        return noise
    return noise * np.float32(np.sqrt(power / noise_power / 10 ** (snr_db / 10)))


def spec_augment(
    rng: Generator, features: Float32, *, masks: int = 2, time_share: float = 0.15, band_share: float = 0.15
) -> Float32:
    """Spectrograms, shape (n, frames, mels), each with stretches of time and bands of mels set to its mean.

    After D. S. Park et al., "SpecAugment", Interspeech 2019, without the warping.
    """
    masked = features.copy()
    for spectrogram in masked:
        mean = spectrogram.mean()
        for _ in range(masks):
            spectrogram[_stretch(rng, spectrogram.shape[0], time_share)] = mean
            spectrogram[:, _stretch(rng, spectrogram.shape[1], band_share)] = mean
    return masked


def _stretch(rng: Generator, n: int, share: float) -> slice:
    length = int(rng.integers(0, int(share * n) + 1))
    start = int(rng.integers(0, n - length + 1))
    return slice(start, start + length)


def mixup(rng: Generator, features: Float32, targets: Float32, *, alpha: float = 0.3) -> tuple[Float32, Float32]:
    """Examples blended with others of the batch, and their targets alike.

    After H. Zhang et al., "mixup: Beyond Empirical Risk Minimization", ICLR 2018. `features` has shape (n, frames,
    mels), `targets` (n, classes).
    """
    share = rng.beta(alpha, alpha, len(features)).astype(np.float32)
    other = rng.permutation(len(features))
    of_features, of_targets = share[:, None, None], share[:, None]
    return (
        of_features * features + (1 - of_features) * features[other],
        of_targets * targets + (1 - of_targets) * targets[other],
    )
