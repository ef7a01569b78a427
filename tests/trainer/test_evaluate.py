"""Counting what was right."""

from pathlib import Path

import numpy as np
import pytest

from tidzam.audio.features import FeatureSpec
from trainer.evaluate import clip_scores, cut_windows, f1_score, window_scores
from trainer.folders import Clip, Sound

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)


def sound(label: str, frames: int) -> Sound:
    return Sound(Clip(Path(label), label, label), np.zeros(frames, np.float32))


def test_windows_stand_end_to_end_and_a_short_sound_is_one() -> None:
    windows = cut_windows([sound("a", 6100), sound("b", 100)], ("a", "b"), SPEC)
    assert windows.owner.tolist() == [0, 0, 0, 1]
    assert windows.targets.argmax(axis=1).tolist() == [0, 0, 0, 1]
    assert windows.features.shape == (4, *SPEC.shape)


def test_f1_by_hand() -> None:
    there, found = np.array([1, 1, 1, 0, 0], bool), np.array([1, 1, 0, 1, 0], bool)
    assert f1_score(there, found) == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3}, abs=1e-4)


def test_nothing_there_and_nothing_found_is_right() -> None:
    assert f1_score(np.zeros(3, bool), np.zeros(3, bool))["f1"] == 1
    assert f1_score(np.zeros(3, bool), np.ones(3, bool))["f1"] == 0


def test_window_scores_have_every_class() -> None:
    targets = np.array([[1, 0], [0, 1]], np.float32)
    scores = window_scores(targets, np.array([[0.9, 0.6], [0.1, 0.7]], np.float32), ("a", "b"))
    assert scores["classes"]["a"]["f1"] == 1 and scores["classes"]["b"]["precision"] == 0.5


def test_a_clip_is_decided_by_the_mean_of_its_windows() -> None:
    windows = cut_windows([sound("a", 4000), sound("b", 4000)], ("a", "b"), SPEC)
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.55, 0.45]], np.float32)
    scores = clip_scores(windows, probabilities, ("a", "b"))
    assert scores == {"clips": 2, "accuracy": 0.5, "confusion": [[1, 0], [1, 0]]}
