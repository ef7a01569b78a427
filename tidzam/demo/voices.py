"""Animal voices: each function synthesizes one bout of calls from tones of changing pitch and loudness.

Pitches and rhythms follow what field guides print of the black-capped chickadee, chipping sparrow, yellow warbler,
mourning dove, spring peeper, American bullfrog and field cricket. Nothing pauses for more than half a second.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.random import Generator
from scipy.signal import butter, lfilter, sosfilt

from tidzam.types import Float32

Call = Callable[[Generator, int], Float32]


def glide(points_hz: Sequence[float], *, length_s: float, rate_hz: int) -> Float32:
    """A tone that glides through evenly spaced pitches, unit amplitude, with a soft start and end."""
    n = max(2, int(length_s * rate_hz))
    pitch = np.interp(np.linspace(0, len(points_hz) - 1, n), np.arange(len(points_hz)), points_hz)
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / rate_hz)
    return (tone * _swell(n)).astype(np.float32)


def _swell(n: int) -> Float32:
    """A flat top between two raised-cosine flanks, each a quarter of `n`."""
    position = np.linspace(0, 1, n, dtype=np.float32)
    ramp = np.clip(np.minimum(position, 1 - position) * 4, 0, 1)
    swell: Float32 = np.float32(0.5) - np.float32(0.5) * np.cos(np.pi * ramp)
    return swell


def _pause(length_s: float, rate_hz: int) -> Float32:
    return np.zeros(max(0, int(length_s * rate_hz)), dtype=np.float32)


def _chickadee(rng: Generator, rate_hz: int) -> Float32:
    """A whistled song of two notes, fee-bee, the second a whole tone lower."""
    pitch = rng.uniform(3500, 4200)
    low = pitch * rng.uniform(0.82, 0.88)
    fee = glide([pitch, pitch * 0.97], length_s=rng.uniform(0.34, 0.46), rate_hz=rate_hz)
    bee = glide([low, low * 0.995, low], length_s=rng.uniform(0.38, 0.5), rate_hz=rate_hz)
    return np.concatenate([fee, _pause(0.06, rate_hz), 0.85 * bee])


def _sparrow(rng: Generator, rate_hz: int) -> Float32:
    """A dry trill: one falling chip, many times a second."""
    top, bottom = rng.uniform(5800, 6800), rng.uniform(3200, 4000)
    period_s = 1 / rng.uniform(11, 17)
    chip = glide([top, bottom * 1.2, bottom], length_s=period_s * 0.62, rate_hz=rate_hz)
    once = np.concatenate([chip, _pause(period_s * 0.38, rate_hz)])
    trill = np.tile(once, int(rng.uniform(1.3, 2.2) / period_s))
    rise: Float32 = np.linspace(0.4, 1, len(trill), dtype=np.float32)
    return trill * rise


def _warbler(rng: Generator, rate_hz: int) -> Float32:
    """A sweet warble: whistles that sweep up and down over an octave, never the same twice."""
    notes = []
    for _ in range(rng.integers(7, 12)):
        middle, span = rng.uniform(3600, 5600), rng.uniform(900, 1900)
        shape = [(-1, 1), (1, -1), (-1, 1, -1), (1, -1, 1)][rng.integers(4)]
        points = [middle + sign * span for sign in shape]
        notes += [glide(points, length_s=rng.uniform(0.09, 0.2), rate_hz=rate_hz), _pause(0.03, rate_hz)]
    return np.concatenate(notes)


def _dove(rng: Generator, rate_hz: int) -> Float32:
    """A low mournful coo that leaps up, then three coos on one pitch."""
    pitch = rng.uniform(430, 540)
    leap = glide([pitch * 0.95, pitch, pitch * 1.3, pitch], length_s=rng.uniform(0.7, 0.9), rate_hz=rate_hz)
    coo = glide([pitch * 0.97, pitch, pitch * 0.95], length_s=rng.uniform(0.42, 0.55), rate_hz=rate_hz)
    notes = [leap]
    for _ in range(3):
        notes += [_pause(0.14, rate_hz), coo]
    song = np.concatenate(notes)
    return song + np.float32(0.08) * song * song  # a throat is not quite linear: a faint octave


def _peep(rng: Generator, rate_hz: int) -> Float32:
    """One high clear peep, its pitch rising."""
    pitch = rng.uniform(2500, 3000)
    return glide([pitch, pitch * 1.1, pitch * 1.14], length_s=rng.uniform(0.11, 0.17), rate_hz=rate_hz)


def _croak(rng: Generator, rate_hz: int) -> Float32:
    """One deep croak: pulses of the throat through the resonances of the body and the mouth."""
    n = int(rng.uniform(0.5, 0.75) * rate_hz)
    pitch = rng.uniform(88, 118) * (1 + 0.06 * np.sin(np.linspace(0, np.pi, n)))
    pulses = (np.diff(np.floor(np.cumsum(pitch) / rate_hz), prepend=0.0) > 0).astype(np.float32)
    voice = np.zeros(n, dtype=np.float32)
    for gain, frequency_hz, width_hz in ((1.0, rng.uniform(190, 260), 70), (0.5, 480, 120), (0.35, 1400, 250)):
        voice += np.float32(gain) * _resonance(pulses, frequency_hz, width_hz, rate_hz)
    muffled = sosfilt(butter(2, 2000, fs=rate_hz, output="sos"), voice)
    croak: Float32 = (muffled * _swell(n)).astype(np.float32)
    croak /= np.max(np.abs(croak))
    return croak


def _resonance(pulses: Float32, frequency_hz: float, width_hz: float, rate_hz: int) -> Float32:
    """`pulses` through a two-pole resonator with unit gain at its peak, roughly."""
    radius = np.exp(-np.pi * width_hz / rate_hz)
    angle = 2 * np.pi * frequency_hz / rate_hz
    b = np.array([(1 - radius) * 2 * np.sin(angle)], dtype=np.float32)
    a = np.array([1.0, -2 * radius * np.cos(angle), radius**2])
    filtered: Float32 = lfilter(b, a, pulses)
    return filtered


def _chirp(rng: Generator, rate_hz: int) -> Float32:
    """One cricket chirp: three or four pulses of a pure tone, each a stroke of the wing."""
    pitch = rng.uniform(4300, 5000)
    stroke = glide([pitch, pitch * 0.985], length_s=0.018, rate_hz=rate_hz)
    once = np.concatenate([stroke, _pause(0.014, rate_hz)])
    return np.tile(once, rng.integers(3, 5))


def _solo(call: Call, pause_s: tuple[float, float]) -> Callable[[Generator, int, float], Float32]:
    """One animal that repeats its call, pausing between; at least once, however short the bout."""

    def bout(rng: Generator, rate_hz: int, length_s: float) -> Float32:
        once = call(rng, rate_hz)
        pieces, left = [once], length_s * rate_hz - len(once)
        while True:
            pause = _pause(rng.uniform(*pause_s), rate_hz)
            left -= len(pause) + len(once)
            if left < 0:
                return np.concatenate(pieces)
            pieces += [pause, once]

    return bout


def _chorus(call: Call, size: tuple[int, int], period_s: tuple[float, float]) -> Callable[..., Float32]:
    """Several animals that call at different rates and distances."""

    def bout(rng: Generator, rate_hz: int, length_s: float) -> Float32:
        mix = np.zeros(int(length_s * rate_hz), dtype=np.float32)
        for gain in np.geomspace(1, 0.25, rng.integers(*size)):
            once = np.float32(gain) * call(rng, rate_hz)
            period = rng.uniform(*period_s) * rate_hz
            moments = np.arange(rng.uniform(0, 0.5) * period, len(mix) - len(once) - 0.06 * period, period)
            for start in (moments + rng.uniform(0, 0.06 * period, len(moments))).astype(int):
                mix[start : start + len(once)] += once
        return mix

    return bout


chickadee = _solo(_chickadee, (0.3, 0.5))
sparrow = _solo(_sparrow, (0.3, 0.5))
warbler = _solo(_warbler, (0.25, 0.5))
dove = _solo(_dove, (0.3, 0.5))
bullfrog = _solo(_croak, (0.2, 0.45))
peeper = _chorus(_peep, (3, 7), (0.5, 0.9))
crickets = _chorus(_chirp, (2, 5), (0.35, 0.5))
