"""The arithmetic of the benchmark of the theremin: flashes are found in the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.theremin import FPS, LARGE, SMALL, HeardTone, due_times, figures_of, flashes_of, flashing, latencies
from examples.theremin.notes import DEFAULT_RANGE, hz_of
from examples.theremin.voice import Voice
from tidzam.errors import NodeError

RATE_HZ, UTC_S = 48000, 1_700_000_000.0


def heard(areas: list[float], *, late_s: float, first: int = 5000) -> HeardTone:
    """A tone that follows the areas of pictures so many seconds late, recorded from the frame `first` on."""
    voice, block = Voice(RATE_HZ), 48
    sound = np.zeros(round(len(areas) / FPS * RATE_HZ) // block * block, np.float32)
    for start in range(0, len(sound), block):
        area = areas[max(0, int((start / RATE_HZ - late_s) * FPS + 1e-6))]
        voice.set(hz_of(DEFAULT_RANGE.note_of_area(area)), 1.0)
        voice.play(sound[start : start + block])
    ends = [first, first + len(sound)]
    return HeardTone(sound, first, RATE_HZ, ends, [UTC_S, UTC_S + len(sound) / RATE_HZ])


def test_flashes_are_far_enough_apart_and_of_two_areas() -> None:
    areas = flashing(20, np.random.default_rng(0))
    assert set(areas) == {SMALL.area, LARGE.area}
    assert len(areas) == 600
    assert np.diff(flashes_of(areas)).min() >= 11


@pytest.mark.parametrize("late_s", [0.0, 0.02, 0.1])
def test_the_delay_of_a_tone_is_found_to_the_glide(late_s: float) -> None:
    areas = flashing(6, np.random.default_rng(1))
    due_s = {number: UTC_S + number / FPS for number in range(len(areas))}
    found = latencies(areas, due_s, heard(areas, late_s=late_s))
    assert len(found) >= len(flashes_of(areas)) - 1  # the recording may end before the last one is heard
    assert found == pytest.approx([late_s + 0.0065] * len(found), abs=0.004)


def test_flashes_that_nobody_heard_are_left_out() -> None:
    areas = flashing(6, np.random.default_rng(1))
    due_s = {number: UTC_S + number / FPS for number in range(len(areas))}
    assert latencies(areas, due_s, heard([SMALL.area] * len(areas), late_s=0)) == []


def test_the_log_of_the_camera_is_read(tmp_path: Path) -> None:
    (tmp_path / "hand.csv").write_text("picture,due_s,known_s,area,loudness\n0,10.5,10.6,0.1,1\n2,10.7,10.8,nan,0\n")
    assert due_times(tmp_path / "hand.csv") == {0: 10.5, 2: 10.7}


def test_the_wait_for_the_next_picture_is_added() -> None:
    figures = figures_of([0.01] * 10)
    assert figures["p95_ms"] == 10
    assert figures["with_wait_p50_ms"] == pytest.approx(10 + 500 / FPS, abs=0.1)


def test_without_flashes_there_are_no_figures() -> None:
    with pytest.raises(NodeError):
        figures_of([])
