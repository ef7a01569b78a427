"""The ways that `bench features` compares compute the same numbers, each in a process of its own."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.feature_process import FeatureProcess, Turn
from benchmarks.feature_ways import Reference, scipy_way
from benchmarks.features import OTHERS, SPEC, difference, summary
from tidzam.audio.features import extract


def test_scipys_spectrogram_gives_the_features_of_tidzam() -> None:
    channels = np.random.default_rng(1).normal(0, 0.1, (2, SPEC.window_samples)).astype(np.float32)
    assert difference(scipy_way(Reference(SPEC))(channels), extract(channels, SPEC)) < 1e-4


def test_a_difference_is_that_of_powers() -> None:
    ten, more = np.array([-20.0]), np.array([-20.0 + 10 * np.log10(1.01)])
    assert difference(more, ten) == pytest.approx(0.01)


def test_speed_is_a_ratio_of_medians() -> None:
    times = {**dict.fromkeys(OTHERS, (0.1,)), "tidzam": (0.1, 0.2, 0.9), "scipy": (0.4, 0.4, 0.4)}
    turns = {name: [Turn(wall_s, 2 * wall_s) for wall_s in some] for name, some in times.items()}
    found = summary(turns, channels=4)
    assert (found["tidzam_channel_seconds_per_s"], found["tidzam_cpu_ms"]) == (20.0, 100.0)
    assert (found["speed_of_scipy"], found["speed_of_tensorflow"]) == (2.0, 0.5)


def test_a_process_extracts_in_turns() -> None:
    windows = np.random.default_rng(1).normal(0, 0.1, (3, SPEC.window_samples)).astype(np.float32)
    with FeatureProcess("tidzam", SPEC, windows, threads=2) as process:
        np.testing.assert_allclose(process.features, extract(windows, SPEC), atol=1e-4)
        assert process.turn().wall_s > 0
