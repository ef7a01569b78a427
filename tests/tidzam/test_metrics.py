"""Counting what was right, by hand and against the definition."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.bundles import tone_manifest
from tidzam.bundle import Bundle
from tidzam.metrics import clip_means, compute_metrics, confusion, pr_curve, precision_recall_f1
from trainer.cli import summary_of

HALF = {"a": 0.5, "b": 0.5}


def test_precision_recall_and_f1_by_hand() -> None:
    there, found = np.array([1, 1, 1, 0, 0, 0], bool), np.array([1, 1, 0, 1, 1, 0], bool)
    assert precision_recall_f1(there, found) == pytest.approx((1 / 2, 2 / 3, 4 / 7))


def test_nothing_there_and_nothing_found_is_right() -> None:
    assert precision_recall_f1(np.zeros(3, bool), np.zeros(3, bool)) == (1, 1, 1)
    assert precision_recall_f1(np.zeros(3, bool), np.ones(3, bool))[2] == 0


def test_a_curve_by_hand() -> None:
    curve = pr_curve(np.array([1, 0, 1, 0], bool), np.array([0.9, 0.8, 0.7, 0.1]))
    assert curve.thresholds.tolist() == [0.9, 0.8, 0.7, 0.1]
    assert curve.precision == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    assert curve.recall == pytest.approx([1 / 2, 1 / 2, 1, 1])
    assert curve.average_precision == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)


def test_equal_scores_stand_or_fall_together() -> None:
    curve = pr_curve(np.array([1, 0, 1, 0], bool), np.full(4, 0.3))
    assert (curve.thresholds.tolist(), curve.average_precision) == ([0.3], 0.5)


def test_a_class_without_examples_has_no_curve() -> None:
    assert np.isnan(pr_curve(np.zeros(4, bool), np.arange(4.0)).average_precision)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=30))
def test_each_point_is_what_its_threshold_gives(examples: list[tuple[bool, int]]) -> None:
    there, scores = np.array([one for one, _ in examples]), np.array([score / 5 for _, score in examples])
    curve = pr_curve(there, scores)
    for threshold, precision, recall in zip(curve.thresholds, curve.precision, curve.recall, strict=True):
        assert precision_recall_f1(there, scores >= threshold)[:2] == pytest.approx((precision, recall))
    assert len(curve.thresholds) == (len(set(scores)) if there.any() else 0)


def test_confusion_has_truth_in_rows() -> None:
    assert confusion(np.array([0, 0, 1]), np.array([1, 1, 1]), 2).tolist() == [[0, 2], [0, 1]]


def test_clips_are_means_of_their_windows() -> None:
    assert clip_means(np.array([[1.0], [3.0], [5.0]]), np.array([7, 7, 9])).tolist() == [[2.0], [5.0]]


def test_a_clip_is_decided_by_the_mean_and_background_is_not_asked() -> None:
    targets = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [0, 0]])
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.55, 0.45], [0.8, 0.1]])
    metrics = compute_metrics(targets, probabilities, ("a", "b"), thresholds=HALF, clips=np.array([0, 0, 1, 1, 2]))
    assert metrics.clips.confusion.tolist() == [[1, 0], [1, 0]]
    assert metrics.clips.accuracy == 0.5
    assert metrics.classes["a"].precision == 1 / 4  # the background counts as a false alarm


def test_measures_use_each_class_own_threshold_and_are_plain_in_json() -> None:
    targets = np.array([[1, 0], [0, 1]])
    probabilities = np.array([[0.9, 0.6], [0.1, 0.7]])
    metrics = compute_metrics(targets, probabilities, ("a", "b"), thresholds={"a": 0.5, "b": 0.65})
    assert metrics.classes["b"].precision == 1
    assert metrics.macro_f1 == 1
    assert compute_metrics(targets, probabilities, ("a", "b"), thresholds=HALF).classes["b"].precision == 0.5
    written = json.loads(json.dumps(metrics.to_dict(), allow_nan=False))
    assert written["clips"] == {"clips": 2, "accuracy": 1.0, "confusion": [[1, 0], [0, 1]]}
    assert written["classes"]["b"]["threshold"] == 0.65


def test_a_class_that_is_not_there_is_not_in_the_mean_average_precision() -> None:
    metrics = compute_metrics(
        np.array([[1, 0], [0, 0]]), np.array([[0.9, 0.1], [0.2, 0.1]]), ("a", "b"), thresholds=HALF
    )
    assert metrics.mean_average_precision == 1.0
    assert metrics.to_dict()["classes"]["b"]["average_precision"] is None


def test_what_nothing_was_measured_of_is_not_called_perfect() -> None:
    """As an expert of whose classes no recording was kept for validation."""
    metrics = compute_metrics(np.zeros((0, 2)), np.zeros((0, 2)), ("a", "b"), thresholds=HALF)
    assert metrics.to_dict()["macro_f1"] is None
    manifest = tone_manifest("x", ("a", "b"))
    said = [
        summary_of(Bundle(Path("x"), manifest.model_copy(update={"accuracy": {"validation": one.to_dict()}})))
        for one in (metrics, compute_metrics(np.eye(2), np.eye(2), ("a", "b"), thresholds=HALF))
    ]
    assert said == ["x: 0 kB, not validated", "x: 0 kB, macro F1 1.000 on validation clips"]
