"""What thresholds cost between and beyond the stated ones."""

from __future__ import annotations

import pytest

from tidzam.open_set import ThresholdCost
from tidzam.open_set_report import cost_at


def cost(threshold: float, missed: float, alarms: float | None = 1.0) -> ThresholdCost:
    return ThresholdCost(threshold=threshold, false_alarms_per_day=alarms, missed=missed, precision=0.5, f1=0.5)


COSTS = (cost(0.9, 0.5), cost(0.4, 0.2), cost(0.1, 0.0))


@pytest.mark.parametrize(("threshold", "missed"), [(0.95, 1.0), (0.9, 0.5), (0.5, 0.5), (0.4, 0.2), (0.0, 0.0)])
def test_a_threshold_costs_what_the_next_higher_one_costs(threshold: float, missed: float) -> None:
    found = cost_at(COSTS, threshold)
    assert found is not None
    assert found.missed == missed


def test_a_threshold_above_all_has_no_false_alarms() -> None:
    found = cost_at(COSTS, 1.0)
    assert found is not None
    assert found.false_alarms_per_day == 0.0


def test_without_background_they_are_not_known() -> None:
    found = cost_at((cost(0.9, 0.5, None),), 1.0)
    assert found is not None
    assert found.false_alarms_per_day is None


def test_a_threshold_is_found_although_the_stated_one_is_rounded() -> None:
    assert cost_at(COSTS, 0.90004) == COSTS[0]


def test_without_costs_nothing_is_known() -> None:
    assert cost_at((), 0.5) is None
