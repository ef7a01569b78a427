"""Rates over the day and the year, with bands, from counts and hours listened."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from tidzam.time_models.curves import DAY_BINS, YEAR_BINS, TimeModeler, year_bin

DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
HOUR = np.arange(24)
DAWN = 3 * np.exp(-(((HOUR - 6) / 1.5) ** 2))
"""Calls per hour of the day."""
SEASON = np.exp(-(((np.arange(365) - 150) / 30) ** 2))


def drawn(exposure: np.ndarray, seed: int = 1) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = np.random.default_rng(seed).poisson(SEASON[:, None] * DAWN * exposure)
    return counts


def test_the_curves_show_the_hour_and_the_season() -> None:
    exposure = np.ones((365, 24))
    model = TimeModeler(DAYS, exposure).model(drawn(exposure))
    assert model.day.peak == pytest.approx(6.5 / 24, abs=0.5 / 24)
    assert model.year.peak == pytest.approx(150 / 365, abs=6 / 365)
    assert (model.hours, model.day.rate.shape, model.year.rate.shape) == (8760.0, (DAY_BINS,), (YEAR_BINS,))


def test_an_hour_in_which_less_was_listened_is_not_read_as_silence() -> None:
    whole, some = np.ones((365, 24)), np.ones((365, 24))
    some[::2, 5:9] = 0.0  # every other dawn was missed
    rates = [TimeModeler(DAYS, exposure).model(drawn(exposure)).day.rate for exposure in (whole, some)]
    assert rates[1][26] == pytest.approx(rates[0][26], rel=0.15)


def test_a_season_in_which_only_quiet_hours_were_listened_to_is_not_read_as_silence() -> None:
    some = np.ones((365, 24))
    some[140:200:2, 4:10] = 0.0
    year = TimeModeler(DAYS, some).model(drawn(some)).year
    assert year.relative[year_bin(DAYS[150])] == pytest.approx(
        TimeModeler(DAYS, np.ones((365, 24))).model(drawn(np.ones((365, 24)))).year.relative[year_bin(DAYS[150])],
        rel=0.2,
    )


def test_rates_are_unknown_until_an_hour_was_listened() -> None:
    exposure, counts = np.zeros((1, 24)), np.zeros((1, 24), dtype=np.int32)
    exposure[0, 3], counts[0, 3] = 0.9, 5
    model = TimeModeler(DAYS[:1], exposure).model(counts)
    assert np.isnan([*model.day.rate, *model.year.rate]).all()
    assert (model.day.relative == 1.0).all()
    exposure[0, 3] = 1.0
    assert np.isfinite(TimeModeler(DAYS[:1], exposure).model(counts).day.rate).sum() == 4


def test_months_without_listening_are_unknown() -> None:
    exposure = np.zeros((365, 24))
    exposure[100:220] = 1.0
    year = TimeModeler(DAYS, exposure).model(drawn(exposure)).year
    assert np.isnan(year.rate[[2, 65]]).all()
    assert year.relative[2] == 1.0


def test_an_hour_of_the_day_to_which_nobody_ever_listened_is_unknown() -> None:
    exposure = np.ones((365, 24))
    exposure[:, 12] = 0.0
    day = TimeModeler(DAYS, exposure).model(drawn(exposure)).day
    assert [number for number, rate in enumerate(day.rate) if np.isnan(rate)] == [48, 49, 50, 51]
    assert np.isnan(day.low).tolist() == np.isnan(day.rate).tolist() == np.isnan(day.high).tolist()


def test_the_band_holds_the_curve_and_narrows_with_more_days() -> None:
    exposure = np.ones((365, 24))
    counts = np.random.default_rng(2).poisson(DAWN, (365, 24))
    few, many = TimeModeler(DAYS[:30], exposure[:30]).model(counts[:30]), TimeModeler(DAYS, exposure).model(counts)
    assert (many.day.low <= many.day.rate + 1e-12).all()
    assert (many.day.high >= many.day.rate - 1e-12).all()
    widths = [(model.day.high - model.day.low)[26] for model in (few, many)]
    assert widths[1] < widths[0] / 2


def test_the_band_holds_the_true_rate_about_as_often_as_it_says() -> None:
    days, exposure = DAYS[:60], np.ones((60, 24))
    modeler = TimeModeler(days, exposure)
    flat = [modeler.model(np.random.default_rng(seed).poisson(0.5, (60, 24))) for seed in range(60)]
    held = [model.day.low[40] <= 0.5 <= model.day.high[40] for model in flat]
    assert 0.75 <= np.mean(held) <= 1.0


def test_a_class_that_was_never_heard_has_a_rate_of_zero() -> None:
    model = TimeModeler(DAYS[:10], np.ones((10, 24))).model(np.zeros((10, 24), dtype=np.int64))
    assert (model.day.rate == 0).all()
    assert (model.day.peak, model.count) == (None, 0)
