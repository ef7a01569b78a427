"""Smoothing on a circle: the von Mises kernel, its bandwidth, and rates per exposure. Pure."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
_MOMENTS: Final = 3
_HIGHEST: Final = 1e4
"""The highest concentration that is looked for: a standard deviation of 14 seconds of a day."""
_LEAST_EXPOSURE: Final = 0.05
"""Where the exposure is less than this share of its maximum, no rate is known."""


def kernel(bins: int, concentration: float) -> Float64:
    """The von Mises density exp(c · cos x) at the distances of `bins` places on a circle from the first, with sum 1."""
    angles = 2 * np.pi * np.arange(bins) / bins
    weights: Float64 = np.exp(concentration * (np.cos(angles) - 1))
    weights /= weights.sum()
    return weights


def smoothed(values: Float64, concentration: float) -> Float64:
    """Values of shape (…, bins) convolved with the kernel around the circle. Their sum stays."""
    bins = values.shape[-1]
    spectrum = np.fft.rfft(values, axis=-1) * np.fft.rfft(kernel(bins, concentration))
    return np.maximum(np.fft.irfft(spectrum, bins, axis=-1), 0.0)


def rates(counts: Float64, exposure: Float64, concentration: float) -> Float64:
    """Counts per exposure, both of shape (…, bins), as a kernel estimate: smoothed counts by smoothed exposure.

    It is not a number where there is nearly no exposure. The ratio corrects for what was not observed as the estimate
    of an intensity does at the edges of its region: P. Diggle, A kernel method for smoothing point process data,
    Journal of the Royal Statistical Society C 34 (1985).
    """
    observed = smoothed(exposure, concentration)
    is_known = observed > _LEAST_EXPOSURE * observed.max(axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(is_known, smoothed(counts, concentration) / observed, np.nan)


def concentration_of(weights: Float64) -> float:
    """The concentration of a von Mises density that is as peaked as `weights`, shape (bins,).

    It is the greatest one of those that the first three trigonometric moments lead to, since there may be several
    peaks: M. Ridout and M. Linkie, Estimating overlap of daily activity patterns from camera trap data, Journal of
    Agricultural, Biological and Environmental Statistics 14 (2009).
    """
    total = weights.sum()
    if not total > 0:
        return 0.0
    moments = np.abs(np.fft.rfft(weights))[1 : _MOMENTS + 1] / total
    return max(_of_moment(order, float(length)) for order, length in enumerate(moments, start=1))


def _of_moment(order: int, length: float) -> float:
    """The concentration c with I_order(c) / I_0(c) = length."""
    from scipy.optimize import brentq  # here, since it takes a third of a second, and most programs fit nothing
    from scipy.special import ive

    def excess(concentration: float) -> float:
        return float(ive(order, concentration) / ive(0, concentration)) - length

    if length <= 1e-9 or excess(1e-6) >= 0:
        return 0.0
    return _HIGHEST if excess(_HIGHEST) <= 0 else float(brentq(excess, 1e-6, _HIGHEST))


def bandwidth(count: float, concentration: float) -> float:
    """The concentration of the kernel for `count` independent observations of a von Mises density.

    c_kernel = (3 n c² I₂(2c) / (4 √π I₀(c)²))^(2/5): C. Taylor, Automatic bandwidth selection for circular density
    estimation, Computational Statistics and Data Analysis 52 (2008), equation 9.
    """
    if concentration <= 0 or count <= 0:
        return 0.0
    from scipy.special import ive

    bessel = float(ive(2, 2 * concentration) / ive(0, concentration) ** 2)  # the factors exp(2c) cancel out
    return float((3 * count * concentration**2 * bessel / (4 * math.sqrt(math.pi))) ** 0.4)
