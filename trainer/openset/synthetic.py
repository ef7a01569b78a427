"""Synthetic sounds of nothing in particular: examples of what no tag is, for recognizers.

Most of what a recognizer hears in the field is like nothing that it was trained on. Negatives of another kind than the
annotated sounds teach it to reject that (D. Hendrycks, M. Mazeika, T. Dietterich, "Deep Anomaly Detection with Outlier
Exposure", ICLR 2019). These are noises, pulses, clicks, hums, bursts and calls with random parameters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from tidzam.audio.windows import network_inputs
from tidzam.embeddings.cache import AudioIdentity, EmbeddingCache
from tidzam.embeddings.network import EmbeddingNetwork
from tidzam.types import Float32

COUNT: Final = 180
"""Windows, as many of each kind."""
_VERSION: Final = 1
"""Of what this module makes; part of the key under which embeddings are cached."""
_BATCH: Final = 30
_LEVELS_DBFS: Final = (-40.0, -12.0)
_NOISE_FLOOR: Final = 1e-4

_Samples = NDArray[np.float64]
_Kind = Callable[[np.random.Generator, _Samples, int], _Samples]


def synthetic_embeddings(network: EmbeddingNetwork, cache: EmbeddingCache) -> Float32:
    """The embeddings, float32 (COUNT, values), of synthetic windows. Those that `cache` lacks are computed."""
    identity, version = AudioIdentity("synthetic sounds", COUNT, _VERSION, None), network.base.manifest.version
    known = cache.get(version, identity)
    if len(known) != COUNT:
        rate_hz, window_s = network.spec.rate_hz, network.spec.window_s
        for first in range(0, COUNT, _BATCH):
            numbers = range(first, min(first + _BATCH, COUNT))
            windows = np.stack([synthetic_window(number, window_s, rate_hz) for number in numbers])
            known |= dict(zip(numbers, network.embed(network_inputs(windows, rate_hz, network.spec)), strict=True))
        cache.put(version, identity, known)
    return np.stack([known[number] for number in range(COUNT)])


def synthetic_window(number: int, window_s: float, rate_hz: int) -> Float32:
    """The samples, float32 (frames,), of a window; the same number gives the same sound."""
    generator = np.random.default_rng(number)
    times_s = np.arange(round(window_s * rate_hz)) / rate_hz
    samples = _KINDS[number % len(_KINDS)](generator, times_s, rate_hz)
    samples = samples / max(float(samples.std()), 1e-9) + _NOISE_FLOOR * generator.normal(size=len(samples))
    level = 10 ** (generator.uniform(*_LEVELS_DBFS) / 20)
    found: Float32 = np.clip(level * samples, -1, 1).astype(np.float32)
    return found


def _noise(generator: np.random.Generator, frames: int, slope: float) -> _Samples:
    """Noise whose power falls with the frequency to the power of `slope`, of standard deviation 1."""
    spectrum = np.fft.rfft(generator.normal(size=frames))
    spectrum *= np.arange(1, len(spectrum) + 1.0) ** (-slope / 2)
    samples = np.fft.irfft(spectrum, frames)
    found: _Samples = samples / samples.std()
    return found


def _pulse(generator: np.random.Generator, times_s: _Samples, slowest_hz: float, fastest_hz: float) -> _Samples:
    """A sine of a random rate, from -1 to 1."""
    rate_hz = _between(generator, slowest_hz, fastest_hz)
    found: _Samples = np.sin(2 * np.pi * rate_hz * times_s + generator.uniform(0, 6))
    return found


def _between(generator: np.random.Generator, low: float, high: float) -> float:
    """A number whose logarithm is uniformly distributed."""
    return float(np.exp(generator.uniform(np.log(low), np.log(high))))


def _steady(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    return _noise(generator, len(times_s), generator.uniform(-1, 2.5))


def _pulsing_band(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    highest_hz = 0.45 * rate_hz
    low_hz = _between(generator, 60, highest_hz / 5)
    high_hz = min(highest_hz, low_hz * _between(generator, 1.6, 10))
    band = scipy.signal.butter(3, [low_hz, high_hz], "band", fs=rate_hz, output="sos")
    noise: Any = scipy.signal.sosfilt(band, generator.normal(size=len(times_s)))
    found: _Samples = noise * (1 + generator.uniform(0, 1) * _pulse(generator, times_s, 0.3, 100))
    return found


def _clicks(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    frames = len(times_s)
    count = generator.poisson(_between(generator, 1, 300) * frames / rate_hz) + 1
    at = generator.integers(0, frames, count) if generator.random() < 0.5 else np.arange(count) * frames // count
    impulses = np.zeros(frames)
    impulses[at] = generator.exponential(size=count)
    decay_s, hz = _between(generator, 0.001, 0.05), _between(generator, 200, 0.36 * rate_hz)
    ring_s = np.arange(round(0.2 * rate_hz)) / rate_hz
    ring = np.exp(-ring_s / decay_s) * np.sin(2 * np.pi * hz * ring_s + generator.uniform(0, 6))
    found: _Samples = scipy.signal.fftconvolve(impulses, ring)[:frames]
    return found


def _call(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    glide = 1 + generator.uniform(0, 0.5) * _pulse(generator, times_s, 0.3, 10)
    phase = 2 * np.pi * np.cumsum(_between(generator, 60, 3000) * glide) / rate_hz
    fall, harmonics = generator.uniform(0.3, 2), range(1, 1 + generator.integers(1, 12))
    tone = np.sum([np.sin(number * phase) / number**fall for number in harmonics], axis=0)
    found: _Samples = tone * np.clip(_pulse(generator, times_s, 0.3, 6), 0, 1) ** generator.uniform(0.2, 3)
    return found


def _hum(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    frames = len(times_s)
    drift = 1 + 0.05 * np.cumsum(generator.normal(size=frames)) / np.sqrt(frames)
    phase = 2 * np.pi * np.cumsum(_between(generator, 16, 300) * drift) / rate_hz
    harmonics = [generator.exponential() * np.sin(number * phase + generator.uniform(0, 6)) for number in range(1, 20)]
    tone = np.sum(harmonics, axis=0)
    noise = _noise(generator, frames, generator.uniform(0, 2))
    found: _Samples = tone / tone.std() + generator.uniform(0, 2) * noise
    return found


def _bursts(generator: np.random.Generator, times_s: _Samples, rate_hz: int) -> _Samples:
    envelope = np.zeros(len(times_s))
    for _ in range(generator.integers(1, 8)):
        at = generator.integers(0, len(times_s))
        fall = np.exp(-times_s[: len(times_s) - at] / _between(generator, 0.01, 1))
        envelope[at:] = np.maximum(envelope[at:], fall)
    return _noise(generator, len(times_s), generator.uniform(-0.5, 2)) * envelope


_KINDS: Final[tuple[_Kind, ...]] = (_steady, _pulsing_band, _clicks, _call, _hum, _bursts)
