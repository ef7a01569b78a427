"""Signals with a known fault, at 44100 Hz: each function returns some seconds of one channel, shape (frames,)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy.signal import butter, sosfilt

from tests.support.sound import tone
from tidzam.types import Float32

RATE_HZ = 44100
_FRAMES = 4 * RATE_HZ


def noise(level: float = 0.05, *, frames: int = _FRAMES, seed: int = 0) -> Float32:
    """White noise with the standard deviation `level`."""
    return (level * np.random.default_rng(seed).standard_normal(frames)).astype(np.float32)


def wind() -> Float32:
    """Loud noise below 50 Hz, and a little of all frequencies."""
    low = sosfilt(butter(2, 50, fs=RATE_HZ, output="sos"), noise(1.0))
    return np.asarray(low, np.float32) + noise(0.001, seed=1)


def crickets() -> Float32:
    """A tone of 4.5 kHz that pulses 30 times per second, in the noise of a quiet night."""
    time_s = np.arange(_FRAMES) / RATE_HZ
    pulses = 0.5 + 0.5 * np.sin(2 * np.pi * 30 * time_s)
    return np.asarray(0.1 * pulses * np.sin(2 * np.pi * 4500 * time_s), np.float32) + noise(0.003)


def hum(mains_hz: float = 50.0) -> Float32:
    """The first harmonics of the mains, over the noise of a preamplifier."""
    lines = [tone(mains_hz * k, duration_s=4, amplitude=0.1 / k) for k in (1, 2, 3, 5)]
    return np.asarray(sum(lines), np.float32) + noise(0.001)


def clipped() -> Float32:
    return np.clip(noise(0.6), -1, 1)


def narrow() -> Float32:
    """Noise as a telephone transmits it, rounded to 16 bits. It can be repeated without a click."""
    spectrum = np.fft.rfft(noise(0.1))
    spectrum[np.fft.rfftfreq(_FRAMES, 1 / RATE_HZ) > 3000] = 0
    return np.asarray(np.round(np.fft.irfft(spectrum) * 32768) / 32768, np.float32)


def stuck(frames: int = 1024) -> Float32:
    """The same `frames` of noise again and again."""
    return np.resize(noise(frames=frames), _FRAMES)


WELL: Mapping[str, Callable[[], Float32]] = {"noise": noise, "wind": wind, "crickets": crickets}
"""Signals without a fault."""
