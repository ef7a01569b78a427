"""From where to where clips reach, and what shares them: windows without audio."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from analyzer.clips.plan import ClipPlanner, PlannedClip
from tidzam.config.clips import ClipRule
from tidzam.results import Analysis, WindowBatch

START = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)
RATE_HZ = 10
POND = "pond:out_0"


class Scene:
    """Windows of a second of one channel."""

    def __init__(self, rule: ClipRule | None = None) -> None:
        self.planner, self._rule = ClipPlanner(), rule or ClipRule()

    def window(self, start_s: float, *labels: str, late_s: float = 0.0) -> None:
        """The window at `start_s` and its classes; its time is `late_s` later than its frames say."""
        time, frame = START + timedelta(seconds=start_s + late_s), round(start_s * RATE_HZ)
        batch = WindowBatch((POND,), np.zeros((1, RATE_HZ), np.float32), RATE_HZ, frame, (time,), (0,))
        analysis = Analysis(POND, time, time, frame, labels, dict.fromkeys(labels, 0.9), -20.0, 0, RATE_HZ)
        chosen = {POND: (analysis, labels)} if labels else {}
        self.planner.follow(batch, chosen, lambda channel, label, row: self._rule)

    def clips(self) -> list[PlannedClip]:
        self.planner.finish()
        return self.planner.closed

    def spans(self) -> list[tuple[float, float]]:
        """The clips, from when to when in seconds."""
        return [(clip.start / RATE_HZ, clip.end / RATE_HZ) for clip in self.clips()]


def test_by_default_a_clip_is_its_window() -> None:
    scene = Scene()
    for second in range(3):
        scene.window(second, *["owl"] * (second > 0))
    assert scene.spans() == [(1, 2), (2, 3)]


def test_a_clip_has_audio_before_and_after_its_window() -> None:
    scene = Scene(ClipRule(pre_s=1.5, length_s=4.0))
    for second in range(8):
        scene.window(second, *["owl"] * (second == 3))
    assert scene.spans() == [(1.5, 5.5)]


def test_windows_within_a_clip_share_it() -> None:
    scene = Scene(ClipRule(length_s=3.0))
    for second, label in enumerate(["owl", "wren", "owl", "", "wren"]):
        scene.window(second, *[label] * bool(label))
    first, second_ = scene.clips()
    assert dict(first.probabilities) == {"owl": 0.9, "wren": 0.9}
    assert (first.path, second_.label) == ("owl/pond-out_0_2026-05-01-06-30-00.000", "wren")


def test_another_class_that_reaches_beyond_its_end_lengthens_a_clip() -> None:
    scene = Scene()
    scene.window(0.0, "owl")
    scene.window(0.5, "wren")
    assert scene.spans() == [(0, 1.5)]


def test_the_same_class_does_not_lengthen_it() -> None:
    scene = Scene()
    for half in range(4):
        scene.window(half / 2, "owl")
    assert scene.spans() == [(0, 1), (1, 2)]


def test_the_pre_roll_is_in_no_other_clip() -> None:
    scene = Scene(ClipRule(pre_s=2.0))
    for second in range(5):
        scene.window(second, *["owl"] * (second in (2, 4)))
    assert scene.spans() == [(0, 3), (3, 5)]


def test_the_pre_roll_does_not_reach_beyond_the_beginning() -> None:
    scene = Scene(ClipRule(pre_s=5.0))
    scene.window(7.0)
    scene.window(8.0, "owl")
    assert scene.spans() == [(7, 9)]


@pytest.mark.parametrize(("next_s", "late_s"), [(3.0, 0.0), (1.0, 60.0)], ids=["frames lost", "time jumped"])
def test_a_clip_ends_at_a_gap_and_the_next_begins_after_it(next_s: float, late_s: float) -> None:
    scene = Scene(ClipRule(pre_s=3.0, length_s=8.0))
    scene.window(0.0, "owl")
    scene.window(next_s, "owl", late_s=late_s)
    assert scene.spans() == [(0, 1), (next_s, next_s + 1)]


def test_frames_that_begin_again_are_another_epoch() -> None:
    scene = Scene(ClipRule(length_s=5.0))
    scene.window(100.0, "owl")
    scene.window(0.0, "owl")
    assert [(clip.epoch, clip.end) for clip in scene.clips()] == [(0, 1010), (1, 10)]


def test_a_clip_may_lie_in_a_folder_of_its_rule() -> None:
    scene = Scene(ClipRule(dst="site-a"))
    scene.window(0.0, "owl")
    (clip,) = scene.clips()
    assert clip.path == "site-a/owl/pond-out_0_2026-05-01-06-30-00.000"


def longer_scene(rule: ClipRule | None = None) -> Scene:
    """A scene whose owls are recognized in windows of 3 s; those that are written `owl-2` have one that is 2 s old."""
    scene = Scene(rule)

    def earlier_s(analysis: Analysis, label: str) -> tuple[float, float]:
        age_s = float(analysis.result[-1].partition("-")[2] or 0)
        return (2.0 + age_s, age_s) if label.startswith("owl") else (0.0, 0.0)

    scene.planner.earlier_s = earlier_s
    return scene


def test_a_clip_holds_all_of_the_longer_window_in_which_its_class_was_recognized() -> None:
    scene = longer_scene()
    for second in range(5):
        scene.window(second, *["owl"] * (second == 3))
    assert scene.spans() == [(1, 4)]


def test_a_result_that_is_carried_makes_a_clip_of_the_sound_that_it_is_from() -> None:
    scene = longer_scene()
    for second in range(7):
        scene.window(second, *["owl-2"] * (second == 5))
    assert scene.spans() == [(1, 4)]


def test_a_carried_result_makes_no_second_clip() -> None:
    scene = longer_scene()
    for second, label in enumerate(["", "", "owl", "owl-1", "owl-2", "owl"]):
        scene.window(second, *[label] * bool(label))
    assert scene.spans() == [(0, 3), (3, 6)]


def test_the_pre_roll_comes_before_the_longer_window() -> None:
    scene = longer_scene(ClipRule(pre_s=1.0))
    for second in range(6):
        scene.window(second, *["owl"] * (second == 4))
    assert scene.spans() == [(1, 5)]


def test_a_longer_window_reaches_back_to_the_clip_before_it() -> None:
    scene = longer_scene()
    for second, label in enumerate(["", "wren", "", "owl"]):
        scene.window(second, *[label] * bool(label))
    assert scene.spans() == [(1, 2), (2, 4)]
