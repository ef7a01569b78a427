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
    assert recognizer.layer.probabilities(values)[targets.sum(axis=1) == 0].max(axis=1).mean() < 0.1


def test_the_fit_is_deterministic() -> None:
    assert np.array_equal(fitted()[0].layer.weights, fitted()[0].layer.weights)


def probabilities_of_strangers(*, synthetic: bool) -> NDArray[Any]:
    """The highest probabilities of windows that are like no tag, by a recognizer that has no background."""
    data, axis = clouds(), np.zeros(20)
    axis[5] = 2.0
    strangers = np.random.default_rng(2).normal(axis, 0.5, (60, 20))
    tags = np.eye(2)[np.arange(80) // 40]
    others = np.random.default_rng(3).normal(0, 1, (60, 20)) if synthetic else None
    recognizer = fit_recognizer(data.values[:80], tags, np.arange(80) // 4, others)
    return np.asarray(recognizer.layer.probabilities(strangers).max(axis=1))


def test_what_is_like_no_tag_is_rejected_without_any_background() -> None:
    assert probabilities_of_strangers(synthetic=True).mean() < 0.2


def test_synthetic_sounds_make_recognizers_more_careful() -> None:
    with_them, without = (probabilities_of_strangers(synthetic=one).mean() for one in (True, False))
    assert with_them < without


def test_only_the_direction_of_an_embedding_matters() -> None:
    recognizer, values, targets = fitted()
    same = fit_recognizer(3 * values, targets, np.arange(len(targets)) // 4)
    assert recognizer.layer.probabilities(5 * values) == pytest.approx(same.layer.probabilities(values), abs=1e-4)


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
