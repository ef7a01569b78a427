"""Fitting recognizers to synthetic embeddings."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support.openset import clouds
from tidzam.errors import DatasetError
from tidzam.metrics import roc_curve
from trainer.openset.learning import choose_tags, evaluate_tags, learn
from trainer.openset.recognizer import assign_folds, fit_linear, fit_recognizer


def fitted(seed: int = 0) -> tuple[Any, NDArray[Any], NDArray[Any]]:
    data = clouds(seed=seed)
    targets = np.array([[tag in one.heard for tag in ("heron", "owl")] for one in data.windows], float)
    groups = np.arange(len(targets)) // 4
    return fit_recognizer(data.values, targets, groups), data.values, targets


def test_held_out_windows_are_recognized() -> None:
    recognizer, _, targets = fitted()
    assert roc_curve(targets[:, 0] > 0, recognizer.held_out[:, 0]).area > 0.95


def test_probabilities_are_calibrated() -> None:
    recognizer, _, targets = fitted()
    assert recognizer.held_out.mean(axis=0) == pytest.approx(targets.mean(axis=0), abs=0.03)


def test_windows_of_no_tag_are_improbable() -> None:
    recognizer, values, targets = fitted()
    assert recognizer.probabilities(values)[targets.sum(axis=1) == 0].max(axis=1).mean() < 0.1


def test_the_fit_is_deterministic() -> None:
    assert np.array_equal(fitted()[0].weights, fitted()[0].weights)


def test_values_that_never_change_do_not_matter() -> None:
    data = clouds()
    targets = np.array([["heron" in one.heard] for one in data.windows], float)
    values = np.column_stack([data.values, np.full(len(targets), 7.0)])
    assert fit_recognizer(values, targets, np.arange(len(targets))).weights[-1].tolist() == [0.0]


def test_a_rare_tag_weighs_as_much_as_the_rest() -> None:
    values = np.concatenate([np.full((1, 1), 1.0), np.full((99, 1), -1.0)])
    logits = fit_linear(values, np.array([[1.0]] + [[0.0]] * 99))(values)
    assert logits[0, 0] == pytest.approx(-logits[1, 0], abs=1e-3)


def test_folds_keep_recordings_whole_and_spread_tags() -> None:
    targets, groups = np.repeat(np.eye(2), 10, axis=0), np.repeat(np.arange(10), 2)
    folds = assign_folds(targets, groups)
    assert all(len(set(folds[groups == group])) == 1 for group in range(10))
    assert [int(targets[folds == fold, 0].sum()) for fold in range(5)] == [2] * 5


def test_thresholds_keep_to_the_limit_on_false_alarms() -> None:
    trained = learn(clouds(overlap=2.0), ("heron", "owl"), window_s=1.0, most_false_alarms_per_day=0)
    reached = [cost for cost in trained.costs["heron"] if cost.threshold >= trained.thresholds["heron"]]
    assert [cost.false_alarms_per_day for cost in reached] == [0.0] * len(reached)


def test_unknown_sounds_are_rejected_in_the_evaluation() -> None:
    trained = learn(clouds(), ("heron", "owl"), window_s=1.0)
    found = evaluate_tags(clouds(seed=1, test=True), trained, window_s=1.0)
    assert found is not None
    assert found.confusion[2, 2] / found.confusion[2].sum() > 0.9


def test_without_test_windows_there_is_no_evaluation() -> None:
    trained = learn(clouds(), ("heron", "owl"), window_s=1.0)
    assert evaluate_tags(clouds(), trained, window_s=1.0) is None


def test_all_tags_that_occur_often_enough_are_chosen() -> None:
    windows = clouds().windows
    assert choose_tags([*windows[:40], windows[-1]], ()) == ("heron",)


def test_a_wanted_tag_that_is_too_rare_is_an_error() -> None:
    with pytest.raises(DatasetError, match="The tag 'bittern' has 0 windows"):
        choose_tags(clouds().windows, ("bittern",))


def test_there_must_be_something_to_reject() -> None:
    data = clouds()
    only = type(data)(data.windows[:40], data.values[:40])
    with pytest.raises(DatasetError, match="also needs windows without it"):
        learn(only, ("heron",), window_s=1.0)
