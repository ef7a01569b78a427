"""How two cascades are compared, window by window."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from analyzer.classifiers.shadow_comparison import LATEST, ShadowComparison
from tidzam.labels import LabelTree
from tidzam.protocol.shadow import ShadowStatus
from tidzam.results import Analysis, CascadeIdentity, ChannelState

LIVE = CascadeIdentity(("selector",), LabelTree({"birds": None, "wren": "birds", "owl": "birds"}), {"selector": "1"})
SHADOW = CascadeIdentity(("other",), LabelTree({"birds": None, "wren": "birds", "rain": None}), {"other": "2"})
START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def window(*result: str, number: int = 0, **probabilities: float) -> Analysis:
    """A window in which classes were decided, "unknown" without any."""
    start = START + timedelta(seconds=number)
    return Analysis(
        channel="pond:out_0",
        start=start,
        end=start + timedelta(seconds=1),
        start_frame=number * 8000,
        result=result or ("unknown",),
        probabilities=probabilities or dict.fromkeys(result, 0.9),
        level_dbfs=-20.0,
        gap_frames=0,
    )


def compared(*pairs: tuple[Analysis, Analysis]) -> ShadowStatus:
    comparison = ShadowComparison(LIVE, SHADOW)
    for live, shadow in pairs:
        comparison.add([live], [shadow])
    return comparison.status("running", dropped=0, errors=0, fault=None)


def counts(status: ShadowStatus) -> dict[str, tuple[int, int, int]]:
    return {one.label: (one.both, one.live_only, one.shadow_only) for one in status.classes}


def test_before_any_window_there_is_no_agreement() -> None:
    assert (compared().compared, compared().agreement) == (0, None)


def test_the_agreement_is_the_share_of_windows_with_the_same_decision() -> None:
    status = compared((window("wren"), window("wren")), (window(), window()), (window("owl"), window()))
    assert (status.compared, status.agreed) == (3, 2)
    assert status.agreement == pytest.approx(2 / 3, abs=1e-4)


def test_the_order_of_decided_classes_is_no_difference() -> None:
    assert compared((window("wren", "owl"), window("owl", "wren"))).agreed == 1


def test_classes_above_a_decided_one_count_with_it() -> None:
    status = compared((window("owl"), window("wren")))
    assert counts(status) == {"birds": (1, 0, 0), "owl": (0, 1, 0), "wren": (0, 0, 1)}


def test_a_class_that_only_one_cascade_knows_counts_by_its_name() -> None:
    assert counts(compared((window(), window("rain")))) == {"rain": (0, 0, 1), "unknown": (0, 1, 0)}


def test_classes_with_the_most_differences_come_first() -> None:
    pairs = [(window("wren"), window("wren"))] * 3 + [(window("owl"), window("rain"))]
    assert [one.label for one in compared(*pairs).classes] == ["birds", "owl", "rain", "wren"]


def test_probabilities_are_compared_where_both_have_them() -> None:
    live, shadow = window(birds=0.9, wren=0.5), window(birds=0.7, rain=0.2)
    status = compared((live, shadow), (window(birds=0.1), window(birds=0.2)))
    assert status.mean_difference == pytest.approx(0.15)


def test_the_difference_of_a_class_is_its_own() -> None:
    pair = (window("birds", birds=0.9, wren=0.5), window("birds", birds=0.7, wren=0.5))
    assert [one.mean_difference for one in compared(pair).classes] == [pytest.approx(0.2)]


def test_the_last_differing_windows_are_listed_newest_first() -> None:
    status = compared(*((window("owl", number=n), window(number=n)) for n in range(LATEST + 5)))
    assert len(status.latest) == LATEST
    assert status.latest[0].start == START + timedelta(seconds=LATEST + 4)
    assert status.latest[0].live == {"owl": 0.9}


@pytest.mark.parametrize(
    "partial",
    [replace(window(), left_out=("other",)), replace(window(), waiting=("other",))],
    ids=["failed", "waits for more sound"],
)
def test_windows_without_all_results_are_not_compared(partial: Analysis) -> None:
    status = compared((window("owl"), partial))
    assert (status.compared, status.incomplete) == (0, 1)


def test_windows_of_a_channel_that_lacks_band_are_compared_by_what_is_left() -> None:
    narrow = replace(window(), left_out=("other",), state=ChannelState.BAND_LIMITED)
    assert compared((window(), narrow)).agreed == 1
