"""Finding the windows of live analysis in the file that was played."""

import numpy as np
import pytest

from benchmarks.birdnet import WINDOW
from benchmarks.birdnet_live import LiveWindow, find_in_file
from tidzam.types import Float32

SOUND: Float32 = np.random.default_rng(1).normal(0, 0.1, 2 * WINDOW).astype(np.float32)


def window(samples: Float32) -> LiveWindow:
    return LiveWindow(samples, np.zeros(3, np.float32))


@pytest.mark.parametrize("begin", [0, 12345, WINDOW])
def test_a_window_is_found_to_the_frame(begin: int) -> None:
    found = find_in_file(window(SOUND[begin : begin + WINDOW]), SOUND)
    assert found is not None
    assert (found.begin, found.snr_db) == (begin, 150.0)


def test_a_window_with_frames_that_were_not_recorded_is_left_out() -> None:
    samples = SOUND[:WINDOW].copy()
    samples[1024:2048] = np.nan
    assert find_in_file(window(samples), SOUND) is None


def test_a_window_in_which_the_player_was_late_is_left_out() -> None:
    samples = np.concatenate([SOUND[: WINDOW // 2], np.zeros(1024, np.float32), SOUND[WINDOW // 2 : WINDOW - 1024]])
    assert find_in_file(window(samples), SOUND) is None
