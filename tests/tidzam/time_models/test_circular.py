"""Smoothing on a circle, against SciPy and results in closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import iv
from scipy.stats import vonmises

from tidzam.time_models.circular import bandwidth, concentration_of, kernel, rates, smoothed

BINS = 96
ANGLES = 2 * np.pi * np.arange(BINS) / BINS


@pytest.mark.parametrize("concentration", [0.0, 0.5, 4.0, 50.0])
def test_the_kernel_is_the_von_mises_density(concentration: float) -> None:
    density = vonmises.pdf(ANGLES, concentration) if concentration else np.full(BINS, 1 / (2 * np.pi))
    assert kernel(BINS, concentration) == pytest.approx(density * 2 * np.pi / BINS, rel=1e-9)


def test_a_smoothed_sample_is_the_sum_of_the_densities_around_its_members() -> None:
    places = np.random.default_rng(1).integers(0, BINS, 30)
    counts = np.bincount(places, minlength=BINS).astype(float)
    expected = vonmises.pdf(ANGLES[:, None] - ANGLES[places], 8.0).sum(axis=1) * 2 * np.pi / BINS
    assert smoothed(counts, 8.0) == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.integers(0, 50), min_size=BINS, max_size=BINS), st.floats(0, 60), st.integers(0, BINS - 1))
def test_smoothing_keeps_the_sum_and_knows_no_midnight(counts: list[int], concentration: float, shift: int) -> None:
    values = np.array(counts, dtype=float)
    found = smoothed(values, concentration)
    assert found.sum() == pytest.approx(values.sum(), abs=1e-6)
    assert np.roll(found, shift) == pytest.approx(smoothed(np.roll(values, shift), concentration), abs=1e-6)


def test_the_concentration_is_the_maximum_likelihood_estimate_of_one_peak() -> None:
    sample = vonmises.rvs(3.0, size=20_000, random_state=2) % (2 * np.pi)
    counts = np.histogram(sample, BINS, (0, 2 * np.pi))[0].astype(float)
    fitted, _, _ = vonmises.fit(sample, fscale=1)
    assert concentration_of(counts) == pytest.approx(fitted, rel=0.03)


def test_two_peaks_are_as_sharp_as_each_of_them() -> None:
    both = vonmises.pdf(ANGLES, 12.0, loc=1.5) + vonmises.pdf(ANGLES, 12.0, loc=1.5 + np.pi)
    assert concentration_of(both) > 2


@pytest.mark.parametrize("weights", [np.zeros(BINS), np.ones(BINS)])
def test_what_has_no_peak_has_no_concentration(weights: np.ndarray) -> None:
    assert concentration_of(weights) == 0.0


@pytest.mark.parametrize(("count", "concentration"), [(10, 0.5), (200, 2.0), (5000, 20.0)])
def test_the_bandwidth_is_taylors_formula(count: int, concentration: float) -> None:
    bessel = iv(2, 2 * concentration) / iv(0, concentration) ** 2
    expected = (3 * count * concentration**2 * bessel / (4 * math.sqrt(math.pi))) ** 0.4
    assert bandwidth(count, concentration) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("concentration", [300.0, 9000.0])
def test_the_bandwidth_is_finite_where_bessel_functions_overflow(concentration: float) -> None:
    assert math.isfinite(bandwidth(1000, concentration))


def test_the_density_of_a_sample_is_estimated_with_the_expected_error() -> None:
    sample = vonmises.rvs(4.0, size=2000, random_state=3) % (2 * np.pi)
    counts = np.histogram(sample, BINS, (0, 2 * np.pi))[0].astype(float)
    density = smoothed(counts, bandwidth(2000, concentration_of(counts))) / 2000 * BINS / (2 * np.pi)
    centers = ANGLES + np.pi / BINS
    assert np.abs(density - vonmises.pdf(centers, 4.0)).max() < 0.06


def test_rates_do_not_depend_on_how_long_was_listened() -> None:
    true = 1 + vonmises.pdf(ANGLES, 3.0)
    exposure = 10 + 8 * np.sin(3 * ANGLES)
    found = rates(true * exposure, exposure, 300.0)
    assert found == pytest.approx(rates(true, np.ones(BINS), 300.0), rel=0.02)


def test_what_nobody_listened_to_is_unknown_and_not_silent() -> None:
    exposure = np.where(np.arange(BINS) < 48, 1.0, 0.0)
    found = rates(2 * exposure, exposure, 300.0)
    assert found[4:44] == pytest.approx(2.0)
    assert np.isnan(found[60:84]).all()
