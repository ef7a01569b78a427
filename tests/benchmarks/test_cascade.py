"""The recording of `bench cascade`, and how processor time is divided among stages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks.cascade import RATE_HZ, some_windows, write_recording
from benchmarks.stage_clock import STAGES, StageClock, find, shares


def test_the_recording_repeats_a_scene(tmp_path: Path) -> None:
    sound = write_recording(tmp_path / "a.flac", minutes=1 + 1 / 60, channels=2)
    read, rate_hz = soundfile.read(tmp_path / "a.flac", dtype="float32", always_2d=True)
    assert (read.shape, rate_hz) == ((61 * RATE_HZ, 2), RATE_HZ)
    np.testing.assert_allclose(read[60 * RATE_HZ :].T, sound[:, :RATE_HZ], atol=2**-15)


def test_windows_are_spread_over_channels() -> None:
    sound = np.repeat(np.arange(4, dtype=np.float32)[:, None], 3 * RATE_HZ, axis=1)
    assert some_windows(sound, 4)[:, 0].tolist() == [0, 1, 2, 3]


def test_shares_add_up() -> None:
    found = shares(10.0, 1.0, {"decoding": 3.0, "networks": 5.0})
    assert found == {"start": 0.1, "decoding": 0.3, "networks": 0.5, "own": 0.1}


@pytest.mark.parametrize("name", [name for names in STAGES.values() for name in names])
def test_the_functions_of_stages_exist(name: str) -> None:
    owner, attribute = find(name)
    assert callable(getattr(owner, attribute))


def test_a_clock_counts_the_time_of_a_stage() -> None:
    clock = StageClock()
    assert clock.timed("sum", sum)(range(200_000)) == sum(range(200_000))
    assert clock.spent_s["sum"] > 0
