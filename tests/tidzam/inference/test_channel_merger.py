"""One call that several channels hear is one detection."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidzam.audio.test_arrival import microphones
from tidzam.config.detections import DetectionSettings
from tidzam.inference.channel_merger import ChannelMerger
from tidzam.inference.tracker import DetectionTracker
from tidzam.labels import UNKNOWN, LabelTree
from tidzam.results import Analysis, AnalyzedBatch, DetectionChange, WindowBatch
from tidzam.types import Float32

TREE = LabelTree({"birds": None, "rain": None})
START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
RATE_HZ = 16000

Heard = Mapping[str, tuple[str, float]]
"""What each channel hears in a window: a class (or nothing, as "") and its level in dBFS."""


class Stages:
    """A tracker and a merger, fed with windows of one second."""

    def __init__(self, **settings: float) -> None:
        made = DetectionSettings.model_validate(settings)
        self._tracker = DetectionTracker(TREE, node="n", run="r", settings=made)
        self._merger = ChannelMerger(made)

    def hear(
        self,
        number: int,
        heard: Heard,
        *,
        samples: Float32 | None = None,
        gap_frames: int = 0,
        scores: Mapping[str, Mapping[str, float]] = MappingProxyType({}),
    ) -> list[DetectionChange]:
        """The changes of a window; `scores` are those of each channel."""
        start = START + timedelta(seconds=number)
        channels = tuple(heard)
        if samples is None:
            samples = np.zeros((len(channels), RATE_HZ), np.float32)
        batch = WindowBatch(
            channels, samples, RATE_HZ, number * RATE_HZ, (start,) * len(channels), (gap_frames,) * len(channels)
        )
        analyses = tuple(
            Analysis(
                channel=channel,
                start=start,
                end=start + timedelta(seconds=1),
                start_frame=number * RATE_HZ,
                result=(label or UNKNOWN,),
                probabilities={label: 0.9} if label else {},
                level_dbfs=level_dbfs,
                gap_frames=gap_frames,
                rate_hz=RATE_HZ,
                scores=scores.get(channel, {}),
            )
            for channel, (label, level_dbfs) in heard.items()
        )
        return list(self.follow(self._tracker.follow(batch, analyses)).detections)

    def follow(self, analyzed: AnalyzedBatch) -> AnalyzedBatch:
        return self._merger.follow(analyzed)

    def last(self) -> list[DetectionChange]:
        return list(self.follow(self._tracker.last_batch()).detections)


NOTHING = ("", -60.0)


def kinds(changes: list[DetectionChange]) -> list[tuple[str, tuple[str, ...]]]:
    return [(change.kind, change.detection.channel_names) for change in changes]


def test_a_call_on_two_channels_is_one_detection_loudest_first() -> None:
    stages = Stages()
    (start,) = stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)})
    assert (start.kind, start.detection.channel) == ("start", "a:out_1")
    assert start.detection.channel_names == ("a:out_1", "a:out_0")
    assert start.detection.windows == 2


def test_a_channel_may_join_and_become_the_loudest() -> None:
    stages = Stages()
    (start,) = stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    (update,) = stages.hear(1, {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)})
    assert kinds([update]) == [("update", ("a:out_1", "a:out_0"))]
    assert update.detection.id == start.detection.id
    assert update.detection.channel == "a:out_0"


def test_it_ends_when_the_last_channel_does() -> None:
    stages = Stages()
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)})
    (update,) = stages.hear(1, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    (end,) = stages.hear(2, {"a:out_0": NOTHING, "a:out_1": NOTHING})
    assert [update.kind, end.kind] == ["update", "end"]
    assert end.detection.end == START + timedelta(seconds=2)
    assert end.detection.windows == 3


def test_a_call_that_moves_on_to_another_channel_is_one_detection() -> None:
    stages = Stages()
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    assert kinds(stages.hear(1, {"a:out_0": NOTHING, "a:out_1": ("birds", -30.0)})) == [
        ("update", ("a:out_0", "a:out_1"))
    ]
    assert kinds(stages.hear(2, {"a:out_0": NOTHING, "a:out_1": NOTHING})) == [("end", ("a:out_0", "a:out_1"))]


def test_a_call_that_begins_later_is_another_detection() -> None:
    stages = Stages()
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    stages.hear(1, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    changes = stages.hear(2, {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)})
    assert kinds(changes) == [("update", ("a:out_0",)), ("start", ("a:out_1",))]


@pytest.mark.parametrize(
    "heard",
    [
        pytest.param({"a:out_0": ("birds", -30.0), "b:out_0": ("birds", -20.0)}, id="another source"),
        pytest.param({"a:out_0": ("birds", -30.0), "a:out_1": ("rain", -20.0)}, id="another class"),
        pytest.param(
            {"tidzam-livestreams:out_1": ("birds", -30.0), "tidzam-livestreams:out_2": ("birds", -20.0)},
            id="live streams",
        ),
    ],
)
def test_what_is_not_one_call_is_not_merged(heard: Heard) -> None:
    assert [kind for kind, _ in kinds(Stages().hear(0, heard))] == ["start", "start"]


def test_channels_may_be_kept_apart() -> None:
    heard = {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)}
    assert len(Stages(same_call_s=0).hear(0, heard)) == 2


def test_the_end_on_a_source_of_one_channel_is_not_held_back() -> None:
    stages = Stages(same_call_s=10)
    stages.hear(0, {"a:out_0": ("birds", -30.0)})
    assert kinds(stages.hear(1, {"a:out_0": NOTHING})) == [("end", ("a:out_0",))]


def test_the_end_is_held_back_while_another_channel_may_join() -> None:
    stages = Stages(same_call_s=3)
    quiet = {"a:out_0": NOTHING, "a:out_1": NOTHING}
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    assert [kinds(stages.hear(number, quiet)) for number in (1, 2, 3)] == [[], [], [("end", ("a:out_0",))]]


def test_a_source_that_disappears_ends_its_detections() -> None:
    stages = Stages(same_call_s=10)
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    assert kinds(stages.hear(1, {"b:out_0": NOTHING})) == [("end", ("a:out_0",))]


def test_the_last_batch_ends_what_is_held_back() -> None:
    stages = Stages(same_call_s=10)
    stages.hear(0, {"a:out_0": ("birds", -30.0), "a:out_1": NOTHING})
    stages.hear(1, {"a:out_0": NOTHING, "a:out_1": NOTHING})
    assert kinds(stages.last()) == [("end", ("a:out_0",))]
    assert stages.last() == []


def test_arrival_times_are_relative_to_the_loudest_channel() -> None:
    first, second = microphones(0.012)
    stages = Stages()
    heard = {"a:out_0": ("birds", -30.0), "a:out_1": ("birds", -20.0)}
    (change,) = stages.hear(0, heard, samples=np.stack([first, second]))
    loudest, other = change.detection.channels
    assert (loudest.channel, loudest.arrival_s) == ("a:out_1", 0.0)
    assert other.arrival_s == pytest.approx(-0.012, abs=1e-4)


def test_arrival_times_stay_when_another_channel_becomes_the_loudest() -> None:
    first, second = microphones(0.012)
    stages = Stages()
    samples = np.stack([first, second])
    stages.hear(0, {"a:out_0": ("birds", -20.0), "a:out_1": ("birds", -30.0)}, samples=samples)
    (change,) = stages.hear(1, {"a:out_0": ("birds", -20.0), "a:out_1": ("birds", -10.0)})
    assert [heard.arrival_s for heard in change.detection.channels] == [0.0, pytest.approx(-0.012, abs=1e-4)]


def test_where_frames_are_missing_no_arrival_times_are_measured() -> None:
    heard = {"a:out_0": ("birds", -20.0), "a:out_1": ("birds", -30.0)}
    (change,) = Stages().hear(0, heard, samples=np.stack(microphones(0.012)), gap_frames=1)
    assert change.detection.channels[1].arrival_s is None


@given(
    st.lists(st.lists(st.sampled_from(["", "birds", "rain"]), min_size=3, max_size=3), max_size=12),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.integers(1, 2),
)
def test_merging_loses_and_doubles_nothing(windows: list[list[str]], same_call_s: float, min_windows: int) -> None:
    channels = ("a:out_0", "a:out_1", "b:out_0")
    merged = Stages(same_call_s=same_call_s, min_windows=min_windows)
    apart = Stages(same_call_s=0, min_windows=min_windows)
    changes, parts = list[DetectionChange](), list[DetectionChange]()
    for number, labels in enumerate(windows):
        heard = {channel: (label, -20.0 - k) for k, (channel, label) in enumerate(zip(channels, labels, strict=True))}
        changes += merged.hear(number, heard)
        parts += apart.hear(number, heard)
    changes += merged.last()
    parts += apart.last()
    ends = [change.detection for change in changes if change.kind == "end"]
    assert len({found.id for found in ends}) == len(ends)
    assert {found.id for found in ends} == {change.detection.id for change in changes if change.kind == "start"}
    windows_of_parts = sum(change.detection.windows for change in parts if change.kind == "end")
    assert sum(found.windows for found in ends) == windows_of_parts


def test_the_highest_scores_of_all_windows_and_channels_count() -> None:
    stages, both = Stages(), {"pond:out_0": ("birds", -20.0), "pond:out_1": ("birds", -30.0)}
    stages.hear(0, both, scores={"pond:out_0": {"a": 0.4}, "pond:out_1": {"a": 0.5, "b": 0.3}})
    (change,) = stages.hear(1, both, scores={"pond:out_0": {"a": 0.45}, "pond:out_1": {"b": 0.2}})
    assert change.detection.peak_scores == {"a": 0.5, "b": 0.3}
