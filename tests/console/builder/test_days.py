"""The split of days that is suggested."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from console.services.builder.days import BACKGROUND_DAYS, suggest_uses
from console.services.builder.models import DayUse

DAYS = [date(2026, 5, number) for number in range(1, 29)]
COUNTS = st.dictionaries(
    st.sampled_from(DAYS), st.dictionaries(st.sampled_from("abc"), st.integers(1, 20), min_size=1), min_size=1
)


def of_use(uses: Mapping[date, DayUse], *wanted: DayUse) -> list[date]:
    return [day for day, use in uses.items() if use in wanted]


def test_a_single_day_is_for_training() -> None:
    assert suggest_uses({DAYS[0]: {"heron": 3}}, recorded=[]) == {DAYS[0]: DayUse.TRAIN}


@given(COUNTS)
def test_every_tag_is_trained(annotations: dict[date, dict[str, int]]) -> None:
    trained = of_use(suggest_uses(annotations, recorded=[]), DayUse.TRAIN)
    assert {tag for day in trained for tag in annotations[day]} == {
        tag for of_day in annotations.values() for tag in of_day
    }


@given(COUNTS)
def test_most_annotations_are_for_training(annotations: dict[date, dict[str, int]]) -> None:
    tested = of_use(suggest_uses(annotations, recorded=[]), DayUse.TEST)
    total = sum(sum(of_day.values()) for of_day in annotations.values())
    assert len(tested) <= 1 or sum(sum(annotations[day].values()) for day in tested) <= 0.3 * total


def test_of_two_equal_days_one_is_for_the_test() -> None:
    uses = suggest_uses({DAYS[0]: {"heron": 9}, DAYS[1]: {"heron": 9}}, recorded=[])
    assert list(uses.values()) == [DayUse.TEST, DayUse.TRAIN]


def test_the_last_quiet_days_are_background_of_both_in_turn() -> None:
    uses = suggest_uses({DAYS[0]: {"heron": 3}}, recorded=DAYS[:20])
    background = of_use(uses, DayUse.TRAIN_BACKGROUND, DayUse.TEST_BACKGROUND)
    assert background == DAYS[20 - BACKGROUND_DAYS : 20]
    assert len(of_use(uses, DayUse.TEST_BACKGROUND)) == BACKGROUND_DAYS // 2
