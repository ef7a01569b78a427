"""Rain, wind, a passing engine, and the noise floor of a microphone."""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.random import Generator
from scipy.signal import butter, oaconvolve, sosfilt

from tidzam.types import Float32

SPEED_OF_SOUND = 343.0
"""Meters a second."""


def colored_noise(rng: Generator, n: int, *, slope_db: float, low_hz: float, rate_hz: int) -> Float32:
    """Noise of unit RMS whose power changes by `slope_db` an octave above `low_hz` and falls fast below it.

    It is shaped in the frequency domain, so where `n` suits the FFT its end joins its beginning.
    """
    fast = scipy.fft.next_fast_len(n, real=True)
    shape = np.linspace(1e-6, rate_hz / 2 / low_hz, fast // 2 + 1, dtype=np.float32)
    gain = np.where(shape < 1, shape**2, shape ** np.float32(slope_db / 6.02))
    spectrum = scipy.fft.rfft(rng.standard_normal(fast, dtype=np.float32))
    noise: Float32 = scipy.fft.irfft(spectrum * gain, fast)[:n]
    noise /= np.sqrt(np.mean(noise**2))
    return noise


def drift(rng: Generator, n: int, *, every_s: float, low: float, high: float, rate_hz: int) -> Float32:
    """A curve of length `n` that wanders smoothly between `low` and `high`, turning about every `every_s`."""
    knots = rng.uniform(low, high, max(4, int(n / (every_s * rate_hz)) + 3))
    position = np.linspace(0, len(knots) - 1, n)
    left = np.minimum(position.astype(int), len(knots) - 2)
    blend = 0.5 - 0.5 * np.cos(np.pi * (position - left))
    curve: Float32 = (knots[left] * (1 - blend) + knots[left + 1] * blend).astype(np.float32)
    return curve


def fade(sound: Float32, *, length_s: float, rate_hz: int) -> Float32:
    """`sound` with its beginning and end faded, each over `length_s`."""
    n = min(int(length_s * rate_hz), len(sound) // 2)
    ramp: Float32 = (0.5 - 0.5 * np.cos(np.pi * np.arange(n) / n)).astype(np.float32)
    faded = sound.copy()
    faded[:n] *= ramp
    faded[len(sound) - n :] *= ramp[::-1]
    return faded


def rain(rng: Generator, rate_hz: int, length_s: float) -> Float32:
    """A hiss of countless far drops, and hundreds of near ones a second, as heavy as it happens to be."""
    n = int(length_s * rate_hz)
    hiss = colored_noise(rng, n, slope_db=-2.0, low_hz=900, rate_hz=rate_hz)
    drops = np.zeros(n, dtype=np.float32)
    for _ in range(6):
        count = int(rng.uniform(10, 60) * length_s)
        hits = np.zeros(n, dtype=np.float32)
        hits[rng.integers(0, n, count)] = rng.exponential(1.0, count)
        drops += oaconvolve(hits, _drop(rng, rate_hz))[:n]
    drops *= rng.uniform(0.3, 1.0) / max(float(np.sqrt(np.mean(drops**2))), 1e-6)
    heaviness = drift(rng, n, every_s=2.5, low=0.6, high=1.0, rate_hz=rate_hz)
    return fade((hiss + drops) * heaviness, length_s=0.7, rate_hz=rate_hz)


def _drop(rng: Generator, rate_hz: int) -> Float32:
    """A drop on a leaf or on water: a tick, and a tone that dies within 12 ms."""
    t = np.arange(int(0.012 * rate_hz)) / rate_hz
    ring = np.sin(2 * np.pi * rng.uniform(1200, 5000) * t) * np.exp(-t / rng.uniform(0.001, 0.003))
    tick = rng.standard_normal(len(t)) * np.exp(-t / 0.0006)
    return (ring + 0.6 * tick).astype(np.float32)


def wind(rng: Generator, rate_hz: int, length_s: float) -> Float32:
    """A low rumble in slow gusts, and at their height a rustle of leaves."""
    n = int(length_s * rate_hz)
    gust = drift(rng, n, every_s=1.6, low=0.25, high=1.0, rate_hz=rate_hz)
    rumble = colored_noise(rng, n, slope_db=-9.0, low_hz=rng.uniform(60, 120), rate_hz=rate_hz)
    rustle = colored_noise(rng, n, slope_db=-6.0, low_hz=rng.uniform(500, 900), rate_hz=rate_hz)
    return fade(gust * rumble + 0.12 * gust**3 * rustle, length_s=0.7, rate_hz=rate_hz)


def engine(rng: Generator, rate_hz: int, length_s: float) -> Float32:
    """An engine that drives past: harmonics of its firing rate, bent by Doppler, and the noise of its tyres.

    It comes from as far as it goes, on a straight line whose closest point is 10 to 30 m away.
    """
    n = int(length_s * rate_hz)
    t = np.arange(n) / rate_hz - length_s / 2
    closest_m, speed = rng.uniform(10, 30), rng.uniform(10, 20)
    path_m = np.hypot(closest_m, speed * t)
    sent = t - path_m / SPEED_OF_SOUND
    turns = rng.uniform(38, 70) * (sent - sent[0])
    tones = np.zeros(n, dtype=np.float32)
    for order in range(1, 15):
        weight = rng.uniform(0.4, 1.0) * order ** -rng.uniform(0.6, 1.0)
        phase = (2 * np.pi * (order * turns % 1.0 + rng.random())).astype(np.float32)
        tones += np.float32(weight) * np.sin(phase)
    tones /= np.sqrt(np.mean(tones**2))
    tyres = colored_noise(rng, n, slope_db=-6.0, low_hz=rng.uniform(300, 600), rate_hz=rate_hz)
    throb = 1 + 0.25 * np.sin(2 * np.pi * turns / 2)
    passing = (tones * throb + rng.uniform(0.2, 0.5) * tyres) * closest_m / path_m
    return fade(passing.astype(np.float32), length_s=1.0, rate_hz=rate_hz)


def noise_floor(rng: Generator, n: int, *, level_dbfs: float, rate_hz: int) -> Float32:
    """A quiet microphone: its own hiss and a trace of rumble, at an RMS level of `level_dbfs`."""
    hiss = rng.standard_normal(n, dtype=np.float32)
    rumble = colored_noise(rng, n, slope_db=-6.0, low_hz=40, rate_hz=rate_hz)
    return np.float32(10 ** (level_dbfs / 20)) * (np.float32(0.8) * hiss + np.float32(0.6) * rumble)


def far_away(sound: Float32, *, distance_m: float, rate_hz: int) -> Float32:
    """`sound` attenuated by air and reeds: the farther, the lower the cut-off frequency."""
    cutoff_hz = min(16000.0 * 20.0 / max(distance_m, 20.0), 0.45 * rate_hz)
    air = butter(1, cutoff_hz, fs=rate_hz, output="sos").astype(np.float32)
    return np.asarray(sosfilt(air, sound), dtype=np.float32)


def echo(rng: Generator, rate_hz: int) -> Float32:
    """The impulse response of open water and a far edge of trees: a sparse tail of 0.7 s, of unit energy."""
    n = int(0.7 * rate_hz)
    tail = rng.standard_normal(n) * np.exp(-np.arange(n) / (0.14 * rate_hz))
    tail[: int(0.02 * rate_hz)] = 0
    dull = sosfilt(butter(1, 4000, fs=rate_hz, output="sos"), tail)
    return np.asarray(dull / np.sqrt(np.sum(dull**2)), dtype=np.float32)
