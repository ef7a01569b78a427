"""The accuracy benchmark, end to end on a few tones: trained and asked by the trainer's own command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from benchmarks import esc10
from tidzam.errors import DatasetError
from trainer.training_file import read_training_file


def write_tones(root: Path) -> Path:
    moments = np.arange(int(2.6 * 8000)) / 8000
    for label, hz in (("high", 2000.0), ("low", 200.0)):
        (root / label).mkdir(parents=True)
        for number in range(2):
            tone = 0.3 * np.sin(2 * np.pi * (hz + 10 * number) * moments)
            soundfile.write(root / label / f"1-{number}-A.ogg", tone, 8000)
    return root


@pytest.mark.timeout(300)  # two processes with TensorFlow: 15 s where nothing else runs
def test_trains_on_one_folder_and_tests_on_another(tmp_path: Path) -> None:
    train, test = write_tones(tmp_path / "train"), write_tones(tmp_path / "test")
    said: list[str] = []
    figures = esc10.run(said.append, train=str(train), test=str(test), iterations="2")
    confusion = np.array(figures["confusion"])
    assert figures["classes"] == ["high", "low"]
    assert figures["clips"] == 4
    assert confusion.sum(axis=1).tolist() == [2, 2]
    assert figures["accuracy"] == np.trace(confusion) / 4
    assert sum(line.strip().startswith(("high", "low")) for line in said) == 2


def test_half_of_the_folders_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError):
        esc10.run(print, train=str(tmp_path))


def test_the_recipe_can_be_read() -> None:
    recipe = read_training_file(esc10.RECIPE)
    assert recipe.activation == "softmax"
    assert recipe.augmentations[0].step == "crop"
