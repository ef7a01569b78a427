"""Measures the health of a channel's signal from a short excerpt. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from stream_manager.signals.measurement import FLOOR_DBFS, SignalMeasurement
from tidzam.types import Float32

Float64 = NDArray[np.float64]

FRAMES: Final = 8192
"""The length of an excerpt: enough to distinguish harmonics of 50 Hz from those of 60 Hz."""
CLIP_LEVEL: Final = 10 ** (-0.1 / 20)
CLIP_RUN: Final = 3
"""Fewer samples in a row at full scale may be the peak of a wave."""
MAINS_HZ: Final = (50.0, 60.0)
HARMONICS: Final = 20
LINE_BINS: Final = 1.5
"""Half the width of a sine in the spectrum of a Hann window: these bins contain over 99 % of its power."""
LOWEST_HZ: Final = 20.0
BAND_HZ: Final = 500.0
BAND_FLOOR_DBFS: Final = -106.0
"""A band with more than this has content. The rounding to 16 bits, -98 dBFS, is -114 dBFS in each of 44 bands."""
BAND_RANGE_DB: Final = 60.0
"""The bandwidth is only known where the loudest band is this much above the floor."""
SHORTEST_REPEAT: Final = 32
PURE_TONE_SHARE: Final = 0.98
"""A tone repeats itself by nature; one line of its spectrum contains this share of its power."""


def measure(samples: Float32, rate_hz: int) -> SignalMeasurement:
    """The measurement of contiguous `samples` of one channel, shape (frames,), float32 in -1 to 1, at `rate_hz`.

    Samples that are not finite count as zero.
    """
    x = np.nan_to_num(samples.astype(np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    if not x.any():
        return SignalMeasurement(FLOOR_DBFS, is_zero=True)
    power = _line_powers(x)
    frequencies_hz = np.asarray(np.arange(len(power)) * (rate_hz / len(x)), np.float64)
    hum, audible = _hum_power(power, frequencies_hz), float(power[frequencies_hz >= LOWEST_HZ].sum())
    is_tone = audible > 0 and _strongest_line(power, frequencies_hz) >= PURE_TONE_SHARE * audible
    return SignalMeasurement(
        level_dbfs=_dbfs(2 * float(np.mean(x**2))),
        clipped_share=_clipped_share(x),
        hum_share=hum / audible if audible > 0 else 0.0,
        hum_dbfs=_dbfs(hum),
        bandwidth_hz=_bandwidth_hz(power, frequencies_hz),
        repetition=0.0 if is_tone else _repetition(x),
    )


def _dbfs(power: float) -> float:
    """`power` relative to that of a full-scale sine, in dB."""
    return max(FLOOR_DBFS, 10 * float(np.log10(power))) if power > 0 else FLOOR_DBFS


def _line_powers(x: Float64) -> Float64:
    """The power spectrum of `x`, so that the bins of a full-scale sine have the sum 1.

    By Parseval's theorem, a Hann window w scales the power of stationary signals by the mean of w**2.
    """
    window = np.hanning(len(x))
    return np.asarray(4 * np.abs(np.fft.rfft(x * window)) ** 2 / (len(x) * np.sum(window**2)), np.float64)


def _hum_power(power: Float64, frequencies_hz: Float64) -> float:
    """The power in harmonics of that mains frequency which has more of it."""
    bin_hz, best = frequencies_hz[1], 0.0
    for mains_hz in MAINS_HZ:
        number = np.round(frequencies_hz / mains_hz)
        is_line = (number >= 1) & (number <= HARMONICS)
        is_line &= np.abs(frequencies_hz - number * mains_hz) <= LINE_BINS * bin_hz
        best = max(best, float(power[is_line].sum()))
    return best


def _strongest_line(power: Float64, frequencies_hz: Float64) -> float:
    audible = np.where(frequencies_hz >= LOWEST_HZ, power, 0.0)
    peak = int(np.argmax(audible))
    return float(audible[max(0, peak - 2) : peak + 3].sum())


def _bandwidth_hz(power: Float64, frequencies_hz: Float64) -> float:
    """The upper edge of the highest band with content; 0 if the signal is too quiet to measure it."""
    number = (frequencies_hz / BAND_HZ).astype(np.int64)
    levels_db = 10 * np.log10(np.maximum(np.bincount(number, weights=power), 1e-20))
    if levels_db.max() < BAND_FLOOR_DBFS + BAND_RANGE_DB:
        return 0.0
    return min(float(np.flatnonzero(levels_db > BAND_FLOOR_DBFS)[-1] + 1) * BAND_HZ, float(frequencies_hz[-1]))


def _clipped_share(x: Float64) -> float:
    """The share of samples in runs of at least CLIP_RUN that are at full scale."""
    at_full_scale = np.concatenate(([False], np.abs(x) >= CLIP_LEVEL, [False]))
    edges = np.flatnonzero(at_full_scale[1:] != at_full_scale[:-1])
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= CLIP_RUN].sum()) / len(x)


def _repetition(x: Float64) -> float:
    """The highest normalized autocorrelation at delays of SHORTEST_REPEAT to half of the frames.

    The first difference is correlated: otherwise the slow waves of wind and traffic resemble themselves.
    """
    d = np.diff(x)
    frames, longest = len(d), len(d) // 2
    spectrum = np.fft.rfft(d, 1 << (frames + longest).bit_length())  # long enough that no product wraps around
    products = np.fft.irfft(np.abs(spectrum) ** 2)[: longest + 1]
    energy = np.concatenate(([0.0], np.cumsum(d**2)))
    delays = np.arange(SHORTEST_REPEAT, longest + 1)
    early, late = energy[frames - delays], energy[frames] - energy[delays]
    scale = np.sqrt(early * late)
    usable = scale > 1e-6 * energy[frames]  # most of a short noise may lie outside
    if not usable.any():
        return 0.0
    return min(1.0, float(np.max(products[delays][usable] / scale[usable])))
