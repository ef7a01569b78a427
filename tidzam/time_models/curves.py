"""The rate of a class over the day and over the year, with confidence bands. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tidzam.time_models.circular import Float64, bandwidth, concentration_of, rates

HOURS: Final = 24
DAY_BINS: Final = 96
"""Places of a day: quarters of an hour, from midnight on."""
YEAR_BINS: Final = 73
"""Places of a year: five days each, from 1 January on."""
CONFIDENCE: Final = 0.9
"""Share of the resampled curves between `low` and `high`."""
LEAST_LISTENED_H: Final = 1.0
"""Hours listened, of all channels together, from which rates are known: of less, chance decides."""
_DRAWS: Final = 200
_PER_HOUR: Final = DAY_BINS // HOURS
_SHARPEST_DAY: Final = (HOURS / (2 * np.pi * 0.5)) ** 2
"""A kernel with a standard deviation of half an hour: counts are known per hour."""
_SHARPEST_YEAR: Final = (365 / (2 * np.pi * 5)) ** 2
"""A kernel with a standard deviation of five days."""


@dataclass(frozen=True)
class RateCurve:
    """A rate around a circle, per hour listened: shape (bins,), not a number where nobody listened, or if hardly
    anybody listened at all.

    Between `low` and `high` lie 90 % of the curves of resampled days. `concentration` is that of the kernel.
    """

    rate: Float64
    low: Float64
    high: Float64
    concentration: float

    @property
    def relative(self) -> Float64:
        """The rate as a multiple of its mean over the places that are known; 1 where it is not known."""
        mean = np.nanmean(self.rate) if np.isfinite(self.rate).any() else 0.0
        if not mean > 0:
            return np.ones_like(self.rate)
        return np.where(np.isfinite(self.rate), self.rate / mean, 1.0)

    @property
    def peak(self) -> float | None:
        """Where the rate is greatest, as a part of the circle; None if it is zero everywhere."""
        known = np.nan_to_num(self.rate, nan=0.0)
        return float((known.argmax() + 0.5) / len(known)) if known.max() > 0 else None


@dataclass(frozen=True)
class TimeModel:
    """When a class occurs: `count` observations in `hours` listened, as a rate over the day and over the year."""

    count: int
    hours: float
    day: RateCurve
    year: RateCurve


def is_enough(exposure_h: Float64) -> bool:
    """Whether so much was listened that rates are known."""
    return bool(exposure_h.sum() >= LEAST_LISTENED_H)


def year_bin(day: date) -> int:
    """The place of a day in its year, whose end is the same in leap years.

    >>> year_bin(date(2026, 1, 5)), year_bin(date(2026, 1, 6)), year_bin(date(2028, 12, 31))
    (0, 1, 72)
    """
    days = date(day.year, 12, 31).timetuple().tm_yday
    return (day.timetuple().tm_yday - 1) * YEAR_BINS // days


class TimeModeler:
    """Makes time models of classes that were listened for in the same hours."""

    def __init__(self, days: Sequence[date], exposure_h: Float64, *, draws: int = _DRAWS, seed: int = 0) -> None:
        """`exposure_h`, shape (days, 24), is how long was listened in each hour of each day. Bands come from `draws`
        resamplings of whole days, since what is heard on one day is not independent."""
        self._exposure: Float64 = exposure_h if is_enough(exposure_h) else np.zeros_like(exposure_h)
        self._weights: Float64 = np.random.default_rng(seed).poisson(1.0, (draws, len(days))).astype(np.float64)
        self._places: Float64 = np.zeros((len(days), YEAR_BINS))
        self._places[np.arange(len(days)), [year_bin(day) for day in days]] = 1.0
        self._drawn_exposure = self._weights @ self._exposure

    def model(self, counts: NDArray[np.integer]) -> TimeModel:
        """The model of a class with these counts, shape (days, 24).

        Rates multiply: that of an hour is the one of its time of day times that of its day. So, for the curve of the
        year, an hour counts as listened by how much is heard at that time of day.
        """
        observed = counts.astype(np.float64)
        day = self._day_curve(observed)
        by_hour = day.relative.reshape(HOURS, _PER_HOUR).mean(axis=1)
        year = self._year_curve(observed.sum(axis=1), self._exposure @ by_hour)
        return TimeModel(int(counts.sum()), float(self._exposure.sum()), day, year)

    def _day_curve(self, counts: Float64) -> RateCurve:
        found, listened = _quarters(counts.sum(axis=0)), _quarters(self._exposure.sum(axis=0))
        drawn = _quarters(self._weights @ counts), _quarters(self._drawn_exposure)
        return _curve(found, listened, drawn, independent=int((counts > 0).sum()), sharpest=_SHARPEST_DAY)

    def _year_curve(self, counts: Float64, exposure_h: Float64) -> RateCurve:
        found, listened = counts @ self._places, exposure_h @ self._places
        drawn = (self._weights * counts) @ self._places, (self._weights * exposure_h) @ self._places
        return _curve(found, listened, drawn, independent=int((counts > 0).sum()), sharpest=_SHARPEST_YEAR)


def _curve(
    counts: Float64, exposure: Float64, drawn: tuple[Float64, Float64], *, independent: int, sharpest: float
) -> RateCurve:
    """A curve with its band. `independent` observations determine the kernel, which is not narrower than `sharpest`."""
    raw = np.divide(counts, exposure, out=np.zeros_like(counts), where=exposure > 0)
    concentration = min(bandwidth(independent, concentration_of(raw)), sharpest)
    rate = np.where(exposure > 0, rates(counts, exposure, concentration), np.nan)  # neighbors say nothing about it
    resampled = rates(*drawn, concentration)
    resampled = np.where(np.isfinite(resampled), resampled, rate)
    resampled = np.where(np.isfinite(rate), resampled, np.nan)
    low, high = np.quantile(resampled, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return RateCurve(rate, low, high, concentration)


def _quarters(hours: Float64) -> Float64:
    """Values of hours, shape (…, 24), spread evenly over their quarters, shape (…, 96)."""
    spread: Float64 = np.repeat(hours / _PER_HOUR, _PER_HOUR, axis=-1)
    return spread
