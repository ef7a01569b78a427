"""From probabilities of steps to speech: the same however the steps arrive, and no single step is speech."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidzam.speech.probability_rule import MEAN_STEPS, MeanRule
from tidzam.speech_times import Interval, merged


def speech_in(probabilities: list[float], threshold: float = 0.3, cut: int = 7) -> tuple[Interval, ...]:
    rule, found = MeanRule(threshold), list[Interval]()
    for start in range(0, len(probabilities), cut):
        found += rule.follow(np.array(probabilities[start : start + cut], np.float32))[1]
    return merged([*found, *rule.end()[1]])


def test_a_single_step_is_no_speech() -> None:
    assert speech_in([0.0] * 20 + [1.0] * 4 + [0.0] * 20) == ()


def test_speech_reaches_to_the_edges_of_the_runs_that_hold_it() -> None:
    ((first, last),) = speech_in([0.0] * 20 + [1.0] * 10 + [0.0] * 20, threshold=0.5)
    assert (first, last) == (20 + 8 - MEAN_STEPS, 22 + MEAN_STEPS)


def test_speech_at_the_very_beginning_and_end_is_found() -> None:
    assert speech_in([1.0] * 8 + [0.0] * 40 + [1.0] * 8) == ((0, 19), (37, 56))


def test_a_step_is_judged_when_no_run_with_it_is_open() -> None:
    assert MeanRule(0.5).follow(np.ones(20, np.float32))[0] == 20 - (MEAN_STEPS - 1)


@given(st.lists(st.floats(0, 1, width=32), max_size=80), st.integers(1, 30))
def test_the_result_does_not_depend_on_how_many_steps_come_at_once(probabilities: list[float], cut: int) -> None:
    assert speech_in(probabilities, cut=cut) == speech_in(probabilities, cut=1)
