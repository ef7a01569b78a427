"""The scoring of detections against truth."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.detect import FoundDetection, Tally, add, is_of
from tidzam.demo.scene import LABELS, SILENCE, AudibleEvent, Truth


def event(label: str, start_s: float, end_s: float, *, channel: int = 0, snr_db: float = 20.0) -> AudibleEvent:
    return AudibleEvent(
        label=label,
        path=LABELS.path(label),
        channel=channel,
        start_s=start_s,
        end_s=end_s,
        distance_m=None if label == SILENCE else 10.0,
        level_dbfs=-30.0,
        snr_db=snr_db,
    )


def found(label: str, start_s: float, end_s: float, *channels: int) -> FoundDetection:
    return FoundDetection(LABELS.path(label), channels or (0,), start_s, end_s)


def tallies(events: list[AudibleEvent], detections: list[FoundDetection]) -> dict[str, Tally]:
    truth = Truth(name="t", seed=1, duration_s=60, rate_hz=8000, channels=2, events=tuple(events))
    made = {label: Tally() for label in LABELS}
    add(made, truth, detections)
    return made


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (found("rain", 4, 6), True),
        (found("rain", 10.2, 12), True),  # its echo
        (found("rain", 10.5, 12), False),
        (found("rain", 3, 5), False),
        (found("rain", 4, 6, 1), False),
        (found("rain", 4, 6, 1, 0), True),
    ],
)
def test_a_detection_is_right_if_it_overlaps_on_one_of_its_channels(detection: FoundDetection, expected: bool) -> None:
    assert is_of(detection, event("rain", 5, 10)) is expected


def test_calls_and_detections_count_for_the_classes_above_them() -> None:
    counted = tallies([event("birds-dove", 5, 10)], [found("birds", 5, 7)])
    assert counted["birds"] == Tally(calls=1, found=1, detections=1, right=1)
    assert counted["birds-dove"] == Tally(calls=1, found=0, detections=0, right=0)
    assert counted["rain"] == Tally()


def test_faint_calls_may_be_missed_and_may_be_detected() -> None:
    faint = [event("rain", 5, 10, snr_db=3.0), event("rain", 20, 25, snr_db=3.0)]
    assert tallies(faint, [found("rain", 5, 7)])["rain"] == Tally(calls=0, found=0, detections=1, right=1)


def test_one_detection_may_be_of_two_calls_and_one_call_have_two_detections() -> None:
    calls = [event("rain", 5, 10), event("rain", 11, 12)]
    counted = tallies(calls, [found("rain", 4, 13), found("rain", 6, 7), found("rain", 40, 41)])
    assert counted["rain"] == Tally(calls=2, found=2, detections=3, right=2)


def test_rows_of_the_analyzer_are_read() -> None:
    row: dict[str, Any] = {"path": "birds > birds-dove", "channels": "1 0", "start_s": 1.0, "end_s": 2.5}
    assert FoundDetection.of(row) == FoundDetection(("birds", "birds-dove"), (1, 0), 1.0, 2.5)
