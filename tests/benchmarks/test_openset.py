"""The benchmark of open-set recognition, end to end on a few tones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import openset
from benchmarks.esc10 import FOLDS


@pytest.fixture
def tones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Clips of five tones in four folds, in the layout of ESC-10."""
    times_s = np.arange(int(openset.CLIP_S * 22050)) / 22050
    for number, label in enumerate("abcde"):
        (tmp_path / "esc10" / label).mkdir(parents=True)
        for fold in FOLDS:
            for take in range(2):
                hz = 300.0 * 1.8**number * (1 + 0.01 * fold + 0.005 * take)
                path = tmp_path / "esc10" / label / f"{fold}-{take}-A.ogg"
                soundfile.write(path, 0.2 * np.sin(2 * np.pi * hz * times_s), 22050)
    monkeypatch.setenv("TIDZAM_DATA", str(tmp_path))
    return tmp_path


def test_the_figures_are_of_known_and_unknown_sounds(tones: Path) -> None:
    figures = openset.run(lambda line: None, bases="selector", draws="2")
    assert figures["clips"] == 40
    assert figures["selector_background_auroc"] > 0.9
    assert figures["selector_background_hours_of_unknown"] == pytest.approx(2 * 24 * 5 / 3600, abs=0.01)
    assert 0 <= figures["selector_unseen_detection_rate_at_one_false_alarm_per_hour"] <= 1
    assert figures["selector_training_cached_cpu_s"] <= figures["selector_training_cpu_s"]
