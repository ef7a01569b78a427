"""`import FORMAT`: the options of the importers."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.database_tool import SMALL, noise, run, values
from tidzam.errors import DatasetError


@pytest.fixture
def extracted(here: Path) -> Path:
    """A folder of clips as the analyzer extracts them, with a class that has none yet."""
    noise(here / "clips" / "owl" / "pond-out_0-2026-05-01-06-30-00.000.wav", 1.0)
    noise(here / "clips" / "unknown" / "pond-out_0-2026-05-01-06-30-01.000.wav", 1.0)
    (here / "clips" / "wren").mkdir()
    (here / "clips" / "owl" / ".pond-out_0-2026-05-01-06-30-02.000.wav.part").touch()
    (here / "clips" / "fox").mkdir()
    (here / "clips" / "fox" / ".pond-out_0-2026-05-01-06-30-02.000.wav.part").touch()
    return here / "clips"


@pytest.mark.parametrize(
    ("options", "counts"), [((), {"owl": 1, "unknown": 1}), (("--without", "unknown"), {"owl": 1})]
)
def test_extracted_clips(extracted: Path, options: tuple[str, ...], counts: dict[str, int]) -> None:
    assert values("import", "clips", extracted, "pond", *options, *SMALL)["counts"] == counts


def test_an_audacity_track(here: Path) -> None:
    noise(here / "night.wav", 9.0)
    Path("night.txt").write_text("1\t2\towl\n5.2\t5.4\twren\n")
    assert values("import", "audacity", "night.txt", "pond", *SMALL)["counts"] == {"owl": 1, "wren": 1}


def test_a_raven_table_with_a_column_and_an_audio_file_of_another_name(here: Path) -> None:
    noise(here / "night.wav", 9.0)
    Path("table.txt").write_text("Selection\tBegin Time (s)\tEnd Time (s)\tSpecies\tHeard\n1\t0\t3\tbird\towl\n")
    options = ("--audio", "night.wav", "--label-column", "Heard")
    assert values("import", "raven", "table.txt", "pond", *options, *SMALL)["counts"] == {"owl": 3}


def test_folders(sounds: Path) -> None:
    assert values("import", "folders", sounds, "pond", *SMALL)["counts"] == {"frog": 10, "rain": 6}


@pytest.fixture
def folds(here: Path) -> Path:
    """Two folds in the layout of ESC-50."""
    for fold in (1, 2):
        noise(here / "esc" / "rain" / f"{fold}-77-A.wav", 1.0)
    return here / "esc"


def test_one_dataset_per_fold(folds: Path) -> None:
    made: list[dict[str, Any]] = values("import", "esc50", folds, "esc", "--each-fold", *SMALL)["datasets"]
    assert [Path(one["dataset"]).name for one in made] == ["esc-fold-1", "esc-fold-2"]


def test_one_fold_alone(folds: Path) -> None:
    assert values("import", "esc50", folds, "pond", "--fold", "2", *SMALL)["samples"] == 1


def test_a_fold_that_does_not_exist(folds: Path) -> None:
    with pytest.raises(DatasetError, match=r"no fold 3\. Its folds are 1, 2"):
        run("import", "esc50", folds, "pond", "--fold", "3", *SMALL)
