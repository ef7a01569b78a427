"""Time models as a prior: factors for the odds of classes, bounded, at times by the clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.errors import ConfigError
from tidzam.labels import LabelTree
from tidzam.time_models.fit import LEAST, fit_time_models
from tidzam.time_models.prior import ClassTimeModel, TimeModels, TimePrior, threshold_before, with_prior
from tidzam.time_models.prior_file import read_time_models, time_models_file, write_time_models

TREE = LabelTree({"birds": None, "wren": "birds", "rain": None})
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAYS = [date(2026, 1, 1) + timedelta(days=number) for number in range(365)]
probabilities = st.floats(0, 1)
factors = st.floats(0.1, 10)


def models(zone: str = "UTC", **classes: ClassTimeModel) -> TimeModels:
    named = {path.replace("__", "/"): one for path, one in classes.items()}
    return TimeModels(fitted=NOW, first_day=DAYS[0], last_day=DAYS[-1], time_zone=zone, classes=named)


MORNING = ClassTimeModel(count=99, day=(0.0, 3.0, 0.5, 0.5), year=(1.0,))
"""Three times as often as on average around 9 o'clock, never around 3."""


def test_bayes_multiplies_the_odds() -> None:
    likelihood, prior, factor = 4.0, 0.2, 3.0
    usual = prior / (1 - prior) * likelihood
    posterior = usual / (1 + usual)
    now = usual * factor
    assert with_prior(posterior, factor) == pytest.approx(now / (1 + now))


@given(probabilities, factors)
def test_a_threshold_before_the_prior_decides_like_the_threshold_after_it(threshold: float, factor: float) -> None:
    assert with_prior(threshold_before(threshold, factor), factor) == pytest.approx(threshold, abs=1e-9)


@given(probabilities, probabilities, factors)
def test_a_prior_keeps_the_order_of_probabilities(one: float, other: float, factor: float) -> None:
    low, high = (with_prior(probability, factor) for probability in sorted((one, other)))
    assert 0 <= low <= high + 1e-12 <= 1 + 1e-9


def test_factors_follow_the_clock_of_the_models_and_are_bounded() -> None:
    prior = TimePrior(models("America/New_York", birds__wren=MORNING), TREE, max_factor=2.5)
    nine, three = datetime(2026, 5, 1, 13, tzinfo=UTC), datetime(2026, 5, 1, 7, tzinfo=UTC)
    assert [prior.factors(time) for time in (nine, three)] == [{"wren": 2.5}, {"wren": 0.4}]


def test_factors_of_the_day_and_the_year_multiply() -> None:
    season = ClassTimeModel(count=99, day=(1.0, 2.0), year=(0.5,) * 6 + (1.5,) * 6)
    (factor,) = (
        TimePrior(models(rain=season), TREE, max_factor=9).factors(datetime(2026, 10, 1, 18, tzinfo=UTC)).values()
    )
    assert factor == pytest.approx(3.0)


def test_classes_of_other_cascades_are_ignored() -> None:
    assert TimePrior(models(frogs=MORNING, birds__rain=MORNING), TREE, max_factor=4).factors(NOW) == {}


def test_a_model_of_a_tag_is_that_of_the_class_of_its_name() -> None:
    assert TimePrior(models(wren=MORNING), TREE, max_factor=4).factors(NOW).keys() == {"wren"}


def test_models_are_fitted_of_classes_that_were_heard_often_enough() -> None:
    counts = np.zeros((365, 24), dtype=np.int64)
    counts[:LEAST, 6] = 1
    fewer = counts.copy()
    fewer[0, 6] = 0
    found = fit_time_models(
        DAYS, np.ones((365, 24)), {("birds", "wren"): counts, ("rain",): fewer}, time_zone="UTC", now=NOW
    )
    assert list(found.classes) == ["birds/wren"]
    factor = TimePrior(found, TREE, max_factor=4).factors(datetime(2026, 1, 25, 6, 30, tzinfo=UTC))["wren"]
    assert factor == 4.0


def test_without_any_variation_no_decision_changes() -> None:
    found = fit_time_models(
        DAYS, np.ones((365, 24)), {("rain",): np.ones((365, 24), dtype=np.int64)}, time_zone="UTC", now=NOW
    )
    assert TimePrior(found, TREE, max_factor=4).factors(NOW)["rain"] == pytest.approx(1.0, abs=0.01)


def test_models_are_read_as_they_were_written(tmp_path: Path) -> None:
    written = models(birds__wren=MORNING)
    write_time_models(tmp_path, written)
    assert read_time_models(tmp_path) == written


def test_without_a_file_there_are_no_models(tmp_path: Path) -> None:
    assert read_time_models(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", "[1]"])
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, content: str) -> None:
    time_models_file(tmp_path).write_text(content)
    with pytest.raises(ConfigError, match=r"time-models\.json cannot be read"):
        read_time_models(tmp_path)
