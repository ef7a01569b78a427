"""From windows to detections, and how they are told."""

from datetime import UTC, datetime, timedelta
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.detections import DetectionChange, Detector
from analyzer.report import COLUMNS, FileDetection, clock
from tidzam.analysis import Analysis
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.sources import split_date

TREE = LabelTree({"birds": None, "birds-owl": "birds", "rain": None})
START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


def window(start_s: float, *result: str, channel: str = "a:out_0", probability: float = 0.9) -> Analysis:
    """A window of one second."""
    start = START + timedelta(seconds=start_s)
    return Analysis(
        channel=channel,
        start=start,
        end=start + timedelta(seconds=1),
        start_frame=round(start_s * 1000),
        result=result or (UNKNOWN,),
        probabilities=dict.fromkeys(result, probability),
        level_dbfs=-20.0,
        gap_frames=0,
    )


def told(events: list[DetectionChange]) -> list[tuple[str, str]]:
    return [(event.kind, event.detection.label) for event in events]


def test_a_detection_starts_goes_on_and_ends() -> None:
    detector = Detector(TREE)
    assert told(detector.add([window(0)])) == []
    assert told(detector.add([window(1, "birds-owl", probability=0.6)])) == [("start", "birds-owl")]
    assert told(detector.add([window(2, "birds-owl", probability=0.8)])) == [("update", "birds-owl")]
    (end,) = detector.add([window(3)])
    found = end.detection
    assert end.kind == "end" and found.path == ("birds", "birds-owl") and found.windows == 2
    assert (found.start, found.end) == (START + timedelta(seconds=1), START + timedelta(seconds=3))
    assert found.peak_probability == 0.8 and found.mean_probability == pytest.approx(0.7)


def test_its_name_stays_the_same() -> None:
    detector = Detector(TREE)
    events = [*detector.add([window(0, "rain")]), *detector.add([window(1, "rain")]), *detector.finish()]
    assert len({event.detection.id for event in events}) == 1 and len(events) == 3


def test_classes_that_sound_together_are_detections_of_their_own() -> None:
    detector = Detector(TREE)
    detector.add([window(0, "rain", "birds")])
    assert told(detector.add([window(1, "rain")])) == [("end", "birds"), ("update", "rain")]


def test_a_gap_ends_what_sounded_before_it() -> None:
    detector = Detector(TREE)
    detector.add([window(0, "rain")])
    assert told(detector.add([window(2, "rain")])) == [("end", "rain"), ("start", "rain")]


def test_overlapping_windows_join() -> None:
    detector = Detector(TREE)
    events = [event for k in range(5) for event in detector.add([window(k / 4, "rain")])]
    assert [event.kind for event in events] == ["start"] + 4 * ["update"]
    assert events[-1].detection.end == START + timedelta(seconds=2)


def test_channels_do_not_mix() -> None:
    detector = Detector(TREE)
    detector.add([window(0, "rain"), window(0, "rain", channel="b:out_0")])
    assert [event.detection.channel for event in detector.finish("b:out_0")] == ["b:out_0"]
    assert [event.detection.channel for event in detector.finish()] == ["a:out_0"]
    assert detector.finish() == []


@given(st.lists(st.sets(st.sampled_from(list(TREE)))))
def test_detections_are_the_runs_of_each_class(results: list[set[str]]) -> None:
    detector = Detector(TREE)
    events = [event for k, result in enumerate(results) for event in detector.add([window(k, *sorted(result))])]
    ended = [event.detection for event in [*events, *detector.finish()] if event.kind == "end"]
    runs = [
        (label, len(list(run)))
        for label in TREE
        for named, run in groupby(label in result for result in results)
        if named
    ]
    assert sorted((found.label, found.windows) for found in ended) == sorted(runs)


@pytest.mark.parametrize(
    ("stem", "name", "date"),
    [
        ("pond-2026-05-01-06-30-00", "pond", START),
        ("a-b-2026-05-01-06-30-00.250", "a-b", START + timedelta(seconds=0.25)),
        ("pond-2026-13-01-06-30-00", "pond-2026-13-01-06-30-00", None),
        ("pond-2026-05-01", "pond-2026-05-01", None),
        ("2026-05-01-06-30-00", "2026-05-01-06-30-00", None),
    ],
)
def test_dates_in_names(stem: str, name: str, date: datetime | None) -> None:
    assert split_date(stem) == (name, date)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00.000"), (59.9996, "0:01:00.000"), (7261.5, "2:01:01.500")])
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize("dated", [True, False])
def test_rows_say_when_only_if_it_is_known(dated: bool) -> None:
    detector = Detector(TREE)
    detector.add([window(1, "birds-owl")])
    (end,) = detector.finish()
    row = FileDetection(3, 1.0, 2.0, dated, end.detection).row()
    assert tuple(row) == COLUMNS and row["path"] == "birds > birds-owl" and row["channel"] == 3
    assert row["start"] == ("2026-05-01T06:30:01+00:00" if dated else None)
