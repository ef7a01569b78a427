"""Known among unknown sounds, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.metrics import roc_curve
from tidzam.open_set import (
    BackgroundScores,
    OpenSetEvaluation,
    choose_threshold,
    evaluate_open_set,
    false_alarms,
    recognized,
    threshold_costs,
)

THERE = np.array([1, 1, 0, 0], bool)
SCORES = np.array([0.9, 0.6, 0.7, 0.1])


def evaluated() -> OpenSetEvaluation:
    """Two tags: a wren that is recognized, an owl taken for a wren, an owl that is missed, an unknown sound; and
    background with one false alarm of two windows in 4 s."""
    probabilities = np.array([[0.9, 0.1], [0.8, 0.7], [0.2, 0.3], [0.6, 0.1]])
    background = BackgroundScores(np.array([[0.9, 0], [0.9, 0], [0, 0], [0, 0]]), np.zeros(4), 1.0)
    return evaluate_open_set(
        probabilities,
        np.array([0, 1, 1, 2]),
        ("wren", "owl"),
        thresholds={"wren": 0.5, "owl": 0.5},
        background=background,
    )


def test_the_confusion_has_a_row_and_a_column_of_unknown() -> None:
    assert evaluated().confusion.tolist() == [[1, 0, 0], [1, 0, 1], [3, 0, 2]]


def test_each_cell_names_its_windows() -> None:
    assert evaluated().cells[2, 0] == (3, 4, 5)


def test_consecutive_windows_are_one_false_alarm() -> None:
    assert evaluated().false_alarms_per_hour == pytest.approx(900)


def test_background_counts_as_unknown_in_the_curve_of_known_sounds() -> None:
    assert evaluated().known.area == pytest.approx(9 / 15)


def test_the_most_probable_tag_that_reaches_its_threshold_is_recognized() -> None:
    assert recognized(np.array([[0.6, 0.5], [0.6, 0.4], [0.1, 0.1]]), [0.7, 0.3]).tolist() == [1, 1, 2]


def test_without_background_false_alarms_are_not_known() -> None:
    found = evaluate_open_set(np.array([[0.9]]), np.array([0]), ("wren",), thresholds={"wren": 0.5})
    assert found.false_alarms_per_hour is None


def runs(scores: list[float], recordings: list[int], threshold: float) -> int:
    """The definition, window by window."""
    count, before = 0, (False, -1)
    for score, recording in zip(scores, recordings, strict=True):
        now = (score >= threshold, recording)
        count += now[0] and now != before
        before = now
    return count


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.9]), st.booleans()), max_size=12))
def test_false_alarms_are_runs(windows: list[tuple[float, bool]]) -> None:
    scores, recordings = [score for score, _ in windows], np.cumsum([new for _, new in windows]).astype(int).tolist()
    thresholds = [0.1, 0.2, 0.5, 1.0]
    found = false_alarms(np.array(scores), np.array(recordings), np.array(thresholds))
    assert found.tolist() == [runs(scores, recordings, threshold) for threshold in thresholds]


def test_the_costs_of_thresholds_by_hand() -> None:
    background = np.array([0.8, 0.0])
    costs = threshold_costs(THERE, SCORES, background=background, recordings=np.zeros(2), hop_s=43200)
    assert [(cost.threshold, cost.false_alarms_per_day, cost.missed) for cost in costs] == [
        (0.9, 0.0, 0.5),
        (0.8, 1.0, 0.5),
        (0.7, 1.0, 0.5),
        (0.6, 1.0, 0.0),
    ]


def test_without_a_limit_the_threshold_has_the_best_f1() -> None:
    assert choose_threshold(threshold_costs(THERE, SCORES)) == 0.6


def test_a_limit_on_false_alarms_raises_the_threshold() -> None:
    costs = threshold_costs(THERE, SCORES, background=np.array([0.8, 0.0]), recordings=np.zeros(2))
    assert choose_threshold(costs, most_per_day=0) == 0.9


def test_a_threshold_lies_half_way_to_the_next_lower_score() -> None:
    costs = threshold_costs(np.array([True, False, True]), np.array([0.9, 0.1, 0.8]))
    assert choose_threshold(costs[:1] + costs[1:]) == pytest.approx(0.8)


def test_if_nothing_is_allowed_nothing_is_recognized() -> None:
    costs = threshold_costs(np.array([True]), np.array([0.5]), background=np.array([0.9]), recordings=np.zeros(1))
    assert choose_threshold(costs, most_per_day=0) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.4, 0.5, 0.8])), min_size=2, max_size=20))
def test_the_area_is_the_share_of_pairs_in_the_right_order(examples: list[tuple[bool, float]]) -> None:
    there = np.array([is_there for is_there, _ in examples])
    scores = np.array([score for _, score in examples])
    if there.all() or not there.any():
        assert np.isnan(roc_curve(there, scores).area)
        return
    differences = scores[there][:, None] - scores[~there]
    assert roc_curve(there, scores).area == pytest.approx(np.mean((differences > 0) + (differences == 0) / 2))
