"""Novelty bundles that were trained on noise, in a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from tidzam.audio.features import FeatureSpec
from tidzam.bundle import Bundle
from tidzam.types import Float32
from trainer.novelty.app import NoveltyOptions, NoveltyReport, train_novelty
from trainer.novelty.forest import ForestOptions

RATE_HZ = 22050
FOREST = ForestOptions(trees=50, samples=128, seed=3)


def noise(seconds: float, *, seed: int = 0, rate_hz: int = RATE_HZ) -> Float32:
    """Noise whose level drifts by 4 dB, float32 (frames,)."""
    generator = np.random.default_rng(seed)
    count = round(seconds * rate_hz)
    levels_db = np.interp(np.arange(count), np.arange(0, count + rate_hz, rate_hz), _walk(generator, seconds))
    samples = generator.standard_normal(count) * 0.01 * 10 ** (levels_db / 20)
    return samples.astype(np.float32)


def _walk(generator: np.random.Generator, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    size = len(np.arange(0, round(seconds * RATE_HZ) + RATE_HZ, RATE_HZ))
    return generator.uniform(-2, 2, size)


def write_noise(folder: Path, *, seconds: float = 240, seed: int = 0, rate_hz: int = RATE_HZ) -> Path:
    """A folder with a file of noise."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / f"noise-{seed}.wav", noise(seconds, seed=seed, rate_hz=rate_hz), rate_hz)
    return folder


def trained_on_noise(
    folder: Path, *, name: str = "noise", window_s: float = 1.0, rate_hz: int = RATE_HZ
) -> NoveltyReport:
    """A novelty bundle in `folder`/NAME."""
    audio = write_noise(folder / "unlabeled", seconds=240 * window_s, rate_hz=rate_hz)
    options = NoveltyOptions(
        audio=(audio,),
        out=folder / name,
        name=name,
        features=FeatureSpec(window_s=window_s),
        expected_anomalies=0.03,
        forest=FOREST,
        home=folder / "home",
    )
    return train_novelty(options, say=lambda text: None)


def novelty_bundle(folder: Path, *, name: str = "noise", window_s: float = 1.0, rate_hz: int = RATE_HZ) -> Bundle:
    """The bundle of `trained_on_noise`."""
    return trained_on_noise(folder, name=name, window_s=window_s, rate_hz=rate_hz).bundle
