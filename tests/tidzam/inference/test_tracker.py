"""From windows to detections: starts, updates and ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzer.files.report import COLUMNS, FileDetection, clock
from tidzam.audio.timeline import ClockPair, Timeline
from tidzam.config.detections import DetectionSettings
from tidzam.inference.decision import decide
from tidzam.inference.tracker import DetectionTracker
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.naming import split_date
from tidzam.results import Analysis, DetectionChange, WindowBatch

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


def kinds_of(events: list[DetectionChange]) -> list[tuple[str, str]]:
    return [(event.kind, event.detection.label) for event in events]


def test_a_detection_starts_goes_on_and_ends() -> None:
    tracker = DetectionTracker(TREE)
    assert kinds_of(tracker.add([window(0)])) == []
    assert kinds_of(tracker.add([window(1, "birds-owl", probability=0.6)])) == [("start", "birds-owl")]
    assert kinds_of(tracker.add([window(2, "birds-owl", probability=0.8)])) == [("update", "birds-owl")]
    (end,) = tracker.add([window(3)])
    found = end.detection
    assert end.kind == "end"
    assert found.path == ("birds", "birds-owl")
    assert found.windows == 2
    assert (found.start, found.end) == (START + timedelta(seconds=1), START + timedelta(seconds=3))
    assert found.peak_probability == 0.8
    assert found.mean_probability == pytest.approx(0.7)


def test_its_name_stays_the_same() -> None:
    tracker = DetectionTracker(TREE)
    events = [*tracker.add([window(0, "rain")]), *tracker.add([window(1, "rain")]), *tracker.finish()]
    assert len({event.detection.id for event in events}) == 1
    assert len(events) == 3


def ids(tracker: DetectionTracker, seconds: int = 3) -> set[str]:
    """The ids of detections of the same windows, whichever tracker follows them."""
    windows = [window(2 * k, "rain", "birds", channel=channel) for k in range(seconds) for channel in ("a", "b")]
    return {change.detection.id for change in tracker.add(windows)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(("garden", None), ("pond", None), id="two nodes"),
        pytest.param(("garden", None), ("garden", None), id="a restart of a node, or its second tracker"),
        pytest.param(("garden", "1"), ("pond", "1"), id="two nodes with the same run"),
    ],
)
def test_ids_are_unique_across_nodes_and_restarts(one: tuple[str, str | None], other: tuple[str, str | None]) -> None:
    first, second = (ids(DetectionTracker(TREE, node=node, run=run)) for node, run in (one, other))
    assert len(first) == len(second) == 12
    assert not first & second


def test_ids_are_unique_when_the_clock_is_set_back() -> None:
    tracker = DetectionTracker(TREE)
    (first,) = tracker.add([framed(0, "rain")])
    tracker.add([framed(1)])
    (second,) = tracker.add([framed(2, "rain", clock_off_s=-2.0)])
    assert first.detection.start == second.detection.start
    assert first.detection.id != second.detection.id


def test_an_id_names_node_channel_class_and_start() -> None:
    (change,) = DetectionTracker(TREE, node="garden", run="r").add([window(0, "rain")])
    assert change.detection.id == "garden/a:out_0/rain/20260501T063000.000000/r-1"


def batch_of(*channels: str) -> WindowBatch:
    count = len(channels)
    return WindowBatch(channels, np.zeros((count, 1000), np.float32), 1000, 0, (START,) * count, (0,) * count)


def test_detections_of_a_channel_that_has_gone_end_with_the_next_batch() -> None:
    tracker = DetectionTracker(TREE)
    tracker.follow(batch_of("a", "b"), (window(0, "rain", channel="a"), window(0, "rain", channel="b")))
    analyzed = tracker.follow(batch_of("b"), (window(1, "rain", channel="b"),))
    changes = [(change.kind, change.detection.channel) for change in analyzed.detections]
    assert changes == [("end", "a"), ("update", "b")]


def test_the_last_batch_ends_all_detections() -> None:
    tracker = DetectionTracker(TREE)
    tracker.follow(batch_of("a"), (window(0, "rain", "birds", channel="a"),))
    last = tracker.last_batch()
    assert last.batch.channels == ()
    assert last.analyses == ()
    assert [(change.kind, change.detection.label) for change in last.detections] == [("end", "rain"), ("end", "birds")]
    assert tracker.last_batch().detections == ()


def test_classes_that_sound_together_are_detections_of_their_own() -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([window(0, "rain", "birds")])
    assert kinds_of(tracker.add([window(1, "rain")])) == [("end", "birds"), ("update", "rain")]


def test_a_gap_ends_the_detection_before_it() -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([window(0, "rain")])
    assert kinds_of(tracker.add([window(2, "rain")])) == [("end", "rain"), ("start", "rain")]


def test_overlapping_windows_join() -> None:
    tracker = DetectionTracker(TREE)
    events = [event for k in range(5) for event in tracker.add([window(k / 4, "rain")])]
    assert [event.kind for event in events] == ["start"] + 4 * ["update"]
    assert events[-1].detection.end == START + timedelta(seconds=2)


def test_channels_do_not_mix() -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([window(0, "rain"), window(0, "rain", channel="b:out_0")])
    assert [event.detection.channel for event in tracker.finish("b:out_0")] == ["b:out_0"]
    assert [event.detection.channel for event in tracker.finish()] == ["a:out_0"]
    assert tracker.finish() == []


@given(st.lists(st.sets(st.sampled_from(list(TREE)))))
def test_detections_are_the_runs_of_each_class(results: list[set[str]]) -> None:
    tracker = DetectionTracker(TREE)
    events = [event for k, result in enumerate(results) for event in tracker.add([window(k, *sorted(result))])]
    ended = [event.detection for event in [*events, *tracker.finish()] if event.kind == "end"]
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
def test_rows_have_times_only_if_the_file_is_dated(dated: bool) -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([window(1, "birds-owl")])
    (end,) = tracker.finish()
    row = FileDetection(3, 1.0, 2.0, dated, end.detection).row()
    assert tuple(row) == COLUMNS
    assert row["path"] == "birds > birds-owl"
    assert row["channel"] == 3
    assert row["start"] == ("2026-05-01T06:30:01+00:00" if dated else None)


def framed(number: int, *result: str, clock_off_s: float = 0.0, rate_hz: int = 1000) -> Analysis:
    """The window `number` of consecutive ones, while the system's clock is off by so much."""
    return replace(window(number + clock_off_s, *result), start_frame=number * rate_hz, rate_hz=rate_hz)


@pytest.mark.parametrize("step_s", [-86400.0 * 3, -3600.0, -1.0, -0.5, 0.5, 1.0, 3600.0, 86400.0 * 3])
def test_a_detection_that_sounds_while_the_clock_is_set_keeps_its_length(step_s: float) -> None:
    tracker = DetectionTracker(TREE)
    windows = [framed(k, "rain", clock_off_s=step_s if k >= 2 else 0.0) for k in range(4)]
    events = [event for one in windows for event in tracker.add([one])]
    assert [event.kind for event in events] == ["start", "update", "update", "update"]
    ends = [event.detection.end for event in events]
    assert ends == sorted(ends)
    (end,) = tracker.finish()
    assert end.detection.start == START
    assert end.detection.end == START + timedelta(seconds=4)


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
def test_a_detection_after_the_clock_was_set_has_the_new_time(step_s: float) -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([framed(0, "rain")])
    tracker.add([framed(1, clock_off_s=step_s)])
    (start,) = tracker.add([framed(2, "rain", clock_off_s=step_s)])
    assert start.detection.start == START + timedelta(seconds=2 + step_s)
    assert start.detection.end - start.detection.start == timedelta(seconds=1)


def test_a_clock_step_does_not_hide_a_gap_in_the_sound() -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([framed(0, "rain")])
    assert kinds_of(tracker.add([framed(2, "rain", clock_off_s=-1.0)])) == [("end", "rain"), ("start", "rain")]


def test_another_jack_server_ends_the_detection_before_it() -> None:
    tracker = DetectionTracker(TREE)
    tracker.add([framed(5, "rain")])
    events = tracker.add([framed(0, "rain", clock_off_s=6.0)])
    assert kinds_of(events) == [("end", "rain"), ("start", "rain")]
    assert all(event.detection.end - event.detection.start == timedelta(seconds=1) for event in events)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_no_clock_makes_a_detection_shorter_than_its_windows(offsets_s: list[float]) -> None:
    tracker = DetectionTracker(TREE)
    for number, offset_s in enumerate(offsets_s):
        tracker.add([framed(number, "rain", clock_off_s=offset_s)])
    (end,) = tracker.finish()
    length = end.detection.end - end.detection.start
    assert abs(length - timedelta(seconds=len(offsets_s))) < timedelta(milliseconds=1)


@pytest.mark.parametrize("step_s", [-3 * 86400.0, -2.0, 2.0, 3 * 86400.0])
def test_windows_follow_a_clock_that_is_set_and_the_detection_keeps_its_length(step_s: float) -> None:
    rate_hz, begin_s = 48000, START.timestamp()
    timeline = Timeline.begin(rate_hz, ClockPair(0, begin_s))
    tracker, starts = DetectionTracker(TREE), []
    for second in range(60):
        clock_s = begin_s + second + (step_s if second >= 30 else 0.0)
        timeline = timeline.with_pair(ClockPair(second * rate_hz, clock_s))
        start = timeline.time_of(second * rate_hz)
        starts.append(start)
        tracker.add([replace(framed(second, "rain", rate_hz=rate_hz), start=start, end=start + timedelta(seconds=1))])
    assert abs(starts[29] - START - timedelta(seconds=29)) < timedelta(milliseconds=1)
    assert abs(starts[30] - START - timedelta(seconds=30 + step_s)) < timedelta(milliseconds=1)
    (end,) = tracker.finish()
    assert end.detection.start == START
    assert end.detection.windows == 60
    assert abs(end.detection.end - START - timedelta(seconds=60)) < timedelta(milliseconds=1)


def likely(start_s: float, **probabilities: float) -> Analysis:
    """A window of one second that names the deepest classes with a probability of at least 0.5."""
    p = {label.replace("_", "-"): value for label, value in probabilities.items()}
    return replace(window(start_s), result=decide(p, dict.fromkeys(TREE, 0.5), TREE), probabilities=p)


def tracker_with(**settings: float) -> DetectionTracker:
    made = DetectionSettings.model_validate(settings)
    return DetectionTracker(TREE, settings=made, threshold_of=lambda analysis, label: 0.5)


def changes_of(tracker: DetectionTracker, windows: list[Analysis]) -> list[list[tuple[str, str]]]:
    return [kinds_of(tracker.add([one])) for one in windows]


def test_a_detection_needs_enough_windows() -> None:
    tracker = tracker_with(min_windows=3)
    events = [event for k in range(4) for event in tracker.add([window(k, "rain")])]
    assert [event.kind for event in events] == ["start", "update"]
    assert events[0].detection.windows == 3
    assert events[0].detection.start == START
    assert kinds_of(tracker.add([window(4)])) == [("end", "rain")]


def test_too_few_windows_are_never_reported() -> None:
    tracker = tracker_with(min_windows=3)
    assert changes_of(tracker, [window(0, "rain"), window(1, "rain"), window(2)]) == [[], [], []]
    assert tracker.finish() == []


@pytest.mark.parametrize(
    ("missing", "kinds"),
    [
        pytest.param(1, [[("start", "rain")], [], [("update", "rain")]], id="as long as allowed"),
        pytest.param(2, [[("start", "rain")], [], [("end", "rain")], [("start", "rain")]], id="longer"),
    ],
)
def test_a_gap_is_bridged_up_to_a_limit(missing: int, kinds: list[list[tuple[str, str]]]) -> None:
    windows = [window(0, "rain"), *(window(1 + k) for k in range(missing)), window(1 + missing, "rain")]
    assert changes_of(tracker_with(max_gap_s=1.0), windows) == kinds


def test_a_detection_with_a_gap_ends_where_it_was_last_heard() -> None:
    tracker = tracker_with(max_gap_s=2.0)
    tracker.add([window(0, "rain")])
    tracker.add([window(1)])
    tracker.add([window(2)])
    (end,) = tracker.add([window(3)])
    assert end.detection.end == START + timedelta(seconds=1)


def test_windows_that_were_lost_count_as_a_gap() -> None:
    tracker = tracker_with(max_gap_s=2.0)
    assert changes_of(tracker, [window(0, "rain"), window(3, "rain"), window(6.5, "rain")]) == [
        [("start", "rain")],
        [("update", "rain")],
        [("end", "rain"), ("start", "rain")],
    ]


def test_hysteresis_holds_a_detection_below_its_threshold() -> None:
    windows = [likely(0, rain=0.45), likely(1, rain=0.6), likely(2, rain=0.45), likely(3, rain=0.35)]
    assert changes_of(tracker_with(hysteresis=0.1), windows) == [
        [],
        [("start", "rain")],
        [("update", "rain")],
        [("end", "rain")],
    ]


def test_a_class_that_is_held_covers_its_parent() -> None:
    windows = [likely(0, birds=0.9, birds_owl=0.6), likely(1, birds=0.9, birds_owl=0.45)]
    assert changes_of(tracker_with(hysteresis=0.1), windows)[1] == [("update", "birds-owl")]
    assert changes_of(tracker_with(), windows)[1] == [("end", "birds-owl"), ("start", "birds")]


def test_hysteresis_never_holds_below_half_the_threshold() -> None:
    windows = [likely(0, rain=0.6), likely(1, rain=0.26), likely(2, rain=0.24)]
    assert changes_of(tracker_with(hysteresis=0.5), windows)[1:] == [[("update", "rain")], [("end", "rain")]]


@given(
    st.lists(st.floats(0, 1), max_size=30),
    st.integers(1, 3),
    st.sampled_from([0.0, 1.0, 2.5]),
    st.sampled_from([0.0, 0.2]),
)
def test_every_start_has_one_end_and_enough_windows(
    values: list[float], min_windows: int, max_gap_s: float, hysteresis: float
) -> None:
    tracker = tracker_with(min_windows=min_windows, max_gap_s=max_gap_s, hysteresis=hysteresis)
    events = [event for k, value in enumerate(values) for event in tracker.add([likely(k, rain=value)])]
    events += tracker.finish()
    kinds = [event.kind for event in events if event.kind != "update"]
    assert kinds == ["start", "end"] * (len(kinds) // 2)
    for event in events:
        length_s = (event.detection.end - event.detection.start).total_seconds()
        assert event.detection.windows >= min_windows
        assert length_s >= event.detection.windows
        assert length_s <= event.detection.windows + max_gap_s * (event.detection.windows - 1)
