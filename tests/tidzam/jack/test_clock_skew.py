"""The skew of a clock, from arrivals that are late by chance."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.jack.clock_skew import Point, line_above

SKEW = 300e-6


def arrivals(delays_s: list[float], *, every_s: float = 5.0) -> list[Point]:
    """One arrival per `every_s`, each late by one of `delays_s`, from a clock that is SKEW fast."""
    return [(index * every_s, index * every_s * SKEW - delay_s) for index, delay_s in enumerate(delays_s)]


@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=50))
def test_no_arrival_is_above_the_line(delays_s: list[float]) -> None:
    assert line_above(arrivals(delays_s)).residuals_s.min() >= -1e-9


@given(st.lists(st.floats(0.0, 10.0), min_size=2, max_size=20))
def test_no_other_line_above_all_arrivals_is_nearer_to_them(delays_s: list[float]) -> None:
    points = arrivals(delays_s)
    times_s, offsets_s = np.asarray(points).T
    first, second = np.triu_indices(len(points), 1)
    slopes = (offsets_s[second] - offsets_s[first]) / (times_s[second] - times_s[first])
    lines = offsets_s[first, None] + slopes[:, None] * (times_s - times_s[first, None])
    above = lines[(lines >= offsets_s - 1e-9).all(axis=1)]
    nearest = (above - offsets_s).sum(axis=1).min()
    assert line_above(points).residuals_s.sum() == pytest.approx(nearest, abs=1e-6)


def test_a_few_arrivals_without_delay_are_enough_however_late_the_others_are() -> None:
    delays_s = np.random.default_rng(0).exponential(1.0, 40)
    delays_s[[3, 36]] = 0.0
    assert line_above(arrivals(delays_s.tolist())).slope == pytest.approx(SKEW, abs=1e-9)


@pytest.mark.parametrize("count", [12, 24, 96])
@pytest.mark.parametrize("distribution", ["exponential", "uniform"])
def test_the_error_that_it_states_is_that_which_it_makes(distribution: str, count: int) -> None:
    generator = np.random.default_rng(count)
    shape = (200, count)
    delays_s = generator.uniform(0, 1, shape) if distribution == "uniform" else generator.exponential(1.0, shape)
    lines = [line_above(arrivals(row)) for row in delays_s.tolist()]
    made = np.sqrt(np.mean([(line.slope - SKEW) ** 2 for line in lines]))
    assert 0.5 < made / np.mean([line.error for line in lines]) < 1.5


def test_a_clock_that_is_read_exactly_is_not_taken_for_certain() -> None:
    assert line_above(arrivals([0.0] * 12)).error == pytest.approx(0.001 / 55)
