"""Overlapping windows, averaged as Tidzam 2019 did."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.inference.averaging import WindowAverager
from tidzam.results import Analysis

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def window(start_s: float, *, channel: str = "a:out_0", left_out: tuple[str, ...] = (), **p: float) -> Analysis:
    """A window of one second with these probabilities."""
    start = START + timedelta(seconds=start_s)
    return Analysis(
        channel=channel,
        start=start,
        end=start + timedelta(seconds=1),
        start_frame=round(start_s * 1000),
        result=(),
        probabilities=p,
        level_dbfs=-20.0,
        gap_frames=0,
        rate_hz=1000,
        left_out=left_out,
    )


def likely(analysis: Analysis) -> tuple[str, ...]:
    return tuple(label for label, value in analysis.probabilities.items() if value >= 0.5) or ("unknown",)


def follow(*windows: Analysis) -> list[Analysis]:
    averager = WindowAverager(likely)
    return [averager.follow((one,))[0] for one in windows]


def original(outputs: np.ndarray) -> np.ndarray:
    """The averaging of Tidzam 2019: `res = (res + history) / 2; history = res`, from the first outputs on."""
    history, means = outputs[0], []
    for output in outputs:
        history = (output + history) / 2
        means.append(history)
    return np.array(means)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_overlapping_windows_have_the_means_of_the_original(values: list[float]) -> None:
    found = follow(*(window(0.5 * k, rain=value) for k, value in enumerate(values)))
    assert [one.probabilities["rain"] for one in found] == pytest.approx(original(np.array(values)))


def test_the_decision_is_on_the_mean() -> None:
    first, second = follow(window(0, rain=1.0), window(0.5, rain=0.1))
    assert (first.probabilities, second.result) == ({"rain": 1.0}, ("rain",))


def test_windows_that_do_not_overlap_are_not_averaged() -> None:
    assert follow(window(0, rain=1.0), window(1, rain=0.2))[1].probabilities == {"rain": 0.2}


def test_windows_after_a_restart_of_the_clock_are_not_averaged() -> None:
    assert follow(window(5, rain=1.0), window(0, rain=0.2))[1].probabilities == {"rain": 0.2}


def test_channels_are_averaged_by_themselves() -> None:
    averager = WindowAverager(likely)
    averager.follow((window(0, rain=1.0), window(0, channel="b:out_0", rain=0.0)))
    found = averager.follow((window(0.5, rain=0.0), window(0.5, channel="b:out_0", rain=0.0)))
    assert [one.probabilities["rain"] for one in found] == [0.5, 0.0]


def test_a_channel_whose_time_jumped_begins_again() -> None:
    averager = WindowAverager(likely)
    averager.follow((window(0, rain=1.0),))
    (found,) = averager.follow((window(0.5, rain=0.0),), jumped=frozenset({"a:out_0"}))
    assert found.probabilities == {"rain": 0.0}


def test_classes_whose_expert_did_not_run_fade() -> None:
    found = follow(window(0, birds=0.8, owl=0.6), *(window(0.5 * k, birds=0.0) for k in range(1, 12)))
    owls = [one.probabilities.get("owl") for one in found]
    assert owls[:3] == pytest.approx([0.6, 0.3, 0.15])
    assert owls[-1] is None


def test_classes_of_a_classifier_that_was_left_out_disappear() -> None:
    found = follow(window(0, birds=0.8, owl=0.6), window(0.5, birds=0.8, left_out=("birds",)))
    assert found[1].probabilities == {"birds": 0.8}


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.booleans()), min_size=1, max_size=12))
def test_children_and_remainder_still_sum_to_their_parent(windows: list[tuple[float, float, bool]]) -> None:
    analyses = []
    for number, (birds, share, runs) in enumerate(windows):
        one = window(0.5 * number, birds=birds)
        children = {"owl": birds * share} if runs else {}
        remainders = {"birds": birds * (1 - share)} if runs else {}
        analyses.append(replace(one, probabilities={"birds": birds, **children}, remainders=remainders))
    for found in follow(*analyses):
        if "birds" in found.remainders:
            owl = found.probabilities.get("owl", 0.0)
            assert owl + found.remainders["birds"] == pytest.approx(
                found.probabilities["birds"], abs=0.003
            )  # what has faded is left out
