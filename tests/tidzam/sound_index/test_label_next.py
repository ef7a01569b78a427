"""Each criterion of what is labeled next at work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.sound_index.label_next import choose, directions, novelty, uncertainty
from tidzam.types import Float32

CENTER = np.zeros(8, np.float32)
NOTHING = np.zeros((0, 8), np.float32)


def calls(kind: int, count: int, seed: int = 0) -> Float32:
    """Windows of one kind of call: nearly the same direction."""
    found = 0.05 * np.random.default_rng(seed + kind).normal(size=(count, 8))
    found[:, kind] += 1
    return directions(found.astype(np.float32), CENTER)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.9])
def test_a_window_at_the_threshold_is_the_most_uncertain(threshold: float) -> None:
    probabilities = np.array([[0.0], [threshold / 2], [threshold], [(1 + threshold) / 2], [1.0]])
    assert uncertainty(probabilities, np.array([threshold])) == pytest.approx([0, 0.5, 1, 0.5, 0])


def test_the_tag_that_is_nearest_to_its_threshold_counts() -> None:
    probabilities = np.array([[0.01, 0.5], [0.01, 0.99]])
    near, far = uncertainty(probabilities, np.array([0.5, 0.5]))
    assert near > 10 * far


def test_what_is_unlike_all_that_is_labeled_is_novel() -> None:
    candidates = np.concatenate([calls(0, 3), calls(1, 3)])
    found = novelty(candidates, calls(0, 5, seed=9))
    assert found[:3].max() < 0.1 < found[3:].min()


def test_before_anything_is_labeled_all_is_novel() -> None:
    assert novelty(calls(0, 3), NOTHING).tolist() == [1, 1, 1]


def test_of_many_equal_calls_one_is_chosen_and_then_others() -> None:
    candidates = np.concatenate([calls(0, 50), calls(1, 3), calls(2, 1)])
    chosen = choose(candidates, NOTHING, np.ones(len(candidates), np.float32), 3)
    kinds = np.searchsorted([50, 53], chosen, side="right")
    assert set(kinds.tolist()) == {0, 1, 2}


def test_what_is_labeled_is_not_asked_for_again() -> None:
    candidates = np.concatenate([calls(0, 20), calls(1, 20)])
    (first,) = choose(candidates, calls(0, 4, seed=9), np.ones(40, np.float32), 1)
    assert first >= 20


def test_of_equally_novel_windows_the_uncertain_one_is_chosen() -> None:
    candidates = np.concatenate([calls(0, 1), calls(1, 1), calls(2, 1)])
    worth = np.array([0.1, 1.0, 0.2], np.float32)
    assert choose(candidates, NOTHING, worth, 1).tolist() == [1]


def test_uncertain_windows_are_not_all_of_the_same_call() -> None:
    candidates = np.concatenate([calls(0, 30), calls(1, 30)])
    worth = np.concatenate([np.full(30, 1.0), np.full(30, 0.5)]).astype(np.float32)
    chosen = choose(candidates, NOTHING, worth, 2)
    assert sorted(chosen // 30) == [0, 1]


@given(st.integers(0, 12), st.integers(1, 12))
def test_as_many_are_chosen_as_there_are_each_once(count: int, there: int) -> None:
    candidates = calls(0, there)
    chosen = choose(candidates, NOTHING, np.zeros(there, np.float32), count)
    assert len(set(chosen.tolist())) == len(chosen) == min(count, there)
