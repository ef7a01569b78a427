"""The difference of the arrival times of one sound at two microphones, by cross-correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from tidzam.types import Float32

MOST_FRAMES: Final = 1 << 16
"""Of longer windows, this many frames are compared, around the loudest part of the first."""
_LEAST_CLARITY: Final = 8.0
"""A correlation of independent noise has a highest peak of about 5 times its RMS value."""
_MOST_AMBIGUITY: Final = 0.7
"""The second highest peak, relative to the highest: more than this is periodic sound, or an echo as loud."""
_PEAK_S: Final = 0.005
"""How far the highest peak extends to both sides, at most a quarter of the range: that of a tonal call has ripples."""
_FLOOR: Final = np.float32(0.1)
_LANES: Final = 4
_PAIRS: Final = 16
"""Pairs that are compared at once: a few megabytes of spectra."""


@dataclass(frozen=True)
class ArrivalDifference:
    """How much later a sound arrives at the second microphone, in seconds, and the clarity of that measurement.

    Clarity is the height of the correlation's peak relative to its RMS value elsewhere.
    """

    delay_s: float
    clarity: float


def arrival_difference(first: Float32, second: Float32, rate_hz: int, *, max_s: float) -> ArrivalDifference | None:
    """Compare two windows, each of shape (frames,), that begin at the same time.

    The generalized cross-correlation with phase transform (GCC-PHAT; Knapp and Carter, "The generalized correlation
    method for estimation of time delay", IEEE Transactions on Acoustics, Speech, and Signal Processing 24(4), 1976):
    with the spectra X and Y, the lag of the highest value of the inverse transform of conj(X) Y / |X Y|. Frequencies
    whose cross-spectrum is weak are weighted down (the denominator is |X Y| plus a tenth of its mean), since there the
    phase is that of noise. Both windows are tapered (Hann): otherwise, the edges of a steady sound would correlate at
    lag 0.

    The result is exact to a frame for calls of a wide band, and to a few milliseconds for tonal ones, whose correlation
    has several peaks. None if no lag within `max_s` stands out: the windows hold no common sound, or one that is
    periodic.
    """
    return arrival_differences(np.stack([first, second]), [(0, 1)], rate_hz, max_s=max_s)[0]


def arrival_differences(
    windows: Float32, pairs: Sequence[tuple[int, int]], rate_hz: int, *, max_s: float
) -> list[ArrivalDifference | None]:
    """The `arrival_difference` of several pairs of windows (n, frames), which is several times as fast.

    A pair holds the rows of its first and its second window.
    """
    most = min(round(max_s * rate_hz), windows.shape[1] - 1)
    if most < 1:
        return [None] * len(pairs)
    found: list[ArrivalDifference | None] = []
    for start in range(0, len(pairs), _PAIRS):
        some = pairs[start : start + _PAIRS]
        for correlation in _correlations(windows, some, most):
            width = max(1, round(min(_PEAK_S, max_s / 4) * rate_hz))
            found.append(None if correlation is None else _peak(correlation, most, rate_hz, width=width))
    return found


def _correlations(windows: Float32, pairs: Sequence[tuple[int, int]], most: int) -> list[Float32 | None]:
    """The correlation of each pair at the lags -most … most; None if one of its windows is silent."""
    starts = {first: _loudest(windows[first]) for first, _ in pairs}
    parts = list(dict.fromkeys((row, starts[pair[0]]) for pair in pairs for row in pair))
    frames = min(windows.shape[1], MOST_FRAMES)
    length = scipy.fft.next_fast_len(frames + most, real=True)
    sounds, taper = _rows(len(parts), length, np.float32), _taper(frames)
    for number, (row, start) in enumerate(parts):
        np.multiply(windows[row, start : start + frames], taper, out=sounds[number, :frames])
    sounds[: len(parts), frames:] = 0
    sounds[len(parts) :] = 0
    spectra = scipy.fft.rfft(sounds, overwrite_x=True)
    cross = _rows(len(pairs), spectra.shape[1], np.complex64, single=2)
    cross[len(pairs) :] = 0
    numbers = {part: number for number, part in enumerate(parts)}
    heard = []
    for number, (first, second) in enumerate(pairs):
        one, other = (spectra[numbers[row, starts[first]]] for row in (first, second))
        heard.append(_whiten(np.multiply(one.conj(), other, out=cross[number])))
    correlations = scipy.fft.irfft(cross, length, overwrite_x=True)
    around = np.concatenate([correlations[: len(pairs), -most:], correlations[: len(pairs), : most + 1]], axis=1)
    return [correlation if known else None for correlation, known in zip(around, heard, strict=True)]


def _whiten(cross: NDArray[np.complex64]) -> bool:
    """Divide a cross-spectrum by its magnitude, in place. Returns whether it is more than zeros."""
    magnitude = cross.real**2  # np.abs takes three times as long, since it cannot overflow
    magnitude += cross.imag**2
    np.sqrt(magnitude, out=magnitude)
    mean = magnitude.mean()
    magnitude += _FLOOR * mean + np.float32(1e-30)
    np.divide(1, magnitude, out=magnitude)
    cross.real *= magnitude  # by a complex number, it would take four times as long
    cross.imag *= magnitude
    return bool(mean > 0)


def _rows(count: int, length: int, dtype: type, *, single: int = 1) -> NDArray[Any]:
    """Rows of any values, a multiple of _LANES of them, which SciPy transforms at once.

    Up to `single` rows are not filled up, since they are as fast one after the other.
    """
    rows = count if count <= single else -(-count // _LANES) * _LANES
    return np.empty((rows, length), dtype)


@lru_cache(maxsize=8)
def _taper(frames: int) -> Float32:
    taper: Float32 = np.hanning(frames).astype(np.float32)
    taper.setflags(write=False)
    return taper


def _loudest(sound: Float32) -> int:
    """Where the loudest MOST_FRAMES frames of a window begin, to a quarter of them; 0 if it is not longer."""
    if len(sound) <= MOST_FRAMES:
        return 0
    step = MOST_FRAMES // 4
    starts = np.arange(0, len(sound) - MOST_FRAMES + 1, step)
    energy = [float(np.square(sound[start : start + MOST_FRAMES], dtype=np.float64).sum()) for start in starts]
    return int(starts[int(np.argmax(energy))])


def _peak(correlation: Float32, zero: int, rate_hz: int, *, width: int) -> ArrivalDifference | None:
    """The highest peak, if it stands out; `zero` is the index of lag 0, `width` how far the peak extends."""
    index = int(np.argmax(correlation))
    height = float(correlation[index])
    others = np.concatenate([correlation[: max(0, index - width)], correlation[index + width + 1 :]])
    if not len(others):
        return None
    clarity = height / (float(np.sqrt(np.mean(np.square(others)))) + 1e-12)
    if clarity < _LEAST_CLARITY or float(others.max()) > _MOST_AMBIGUITY * height:
        return None
    return ArrivalDifference((index - zero) / rate_hz, clarity)
