"""The difference of the arrival times of one sound at two microphones, by cross-correlation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.fft

from tidzam.types import Float32

MOST_FRAMES: Final = 1 << 16
"""Of longer windows, this many frames are compared, around the loudest part of the first."""
_LEAST_CLARITY: Final = 8.0
"""A correlation of independent noise has a highest peak of about 5 times its RMS value."""
_MOST_AMBIGUITY: Final = 0.7
"""The second highest peak, relative to the highest: more than this is periodic sound, or an echo as loud."""
_PEAK_S: Final = 0.005
"""How far the highest peak extends to both sides, at most a quarter of the range: that of a tonal call has ripples."""
_FLOOR: Final = 0.1


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
    first, second = _loudest(first, second)
    most = min(round(max_s * rate_hz), len(first) - 1)
    if most < 1 or not first.any() or not second.any():
        return None
    length = scipy.fft.next_fast_len(len(first) + most, real=True)
    taper = np.hanning(len(first)).astype(np.float32)
    cross = np.conj(scipy.fft.rfft(first * taper, length)) * scipy.fft.rfft(second * taper, length)
    magnitude = np.abs(cross)
    correlation = scipy.fft.irfft(cross / (magnitude + _FLOOR * magnitude.mean() + 1e-30), length)
    around = np.concatenate([correlation[-most:], correlation[: most + 1]])  # lags -most … most
    return _peak(around, most, rate_hz, width=max(1, round(min(_PEAK_S, max_s / 4) * rate_hz)))


def _loudest(first: Float32, second: Float32) -> tuple[Float32, Float32]:
    """The same MOST_FRAMES frames of both, around the loudest part of the first."""
    if len(first) <= MOST_FRAMES:
        return first, second
    step = MOST_FRAMES // 4
    starts = np.arange(0, len(first) - MOST_FRAMES + 1, step)
    energy = [float(np.square(first[start : start + MOST_FRAMES], dtype=np.float64).sum()) for start in starts]
    start = int(starts[int(np.argmax(energy))])
    return first[start : start + MOST_FRAMES], second[start : start + MOST_FRAMES]


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
