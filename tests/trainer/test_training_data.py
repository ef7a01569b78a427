"""What may be wrong with the data, found before anything is trained, without TensorFlow."""

from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from tests.support.datasets import write
from tests.support.training import options, tone, write_tone_folders
from tidzam.errors import DatasetError
from trainer.data.source import BACKGROUND
from trainer.training_data import LEFT_OUT, open_data


def test_a_class_of_one_sample_is_trained_and_reported_as_not_validated(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data")
    (data / "middle").mkdir()
    soundfile.write(data / "middle" / "only.wav", tone(1500), 8000)
    reported: list[str] = []
    opened = open_data(options(data, tmp_path / "x"), reported.append)
    assert opened.classes == ("high", "low", "middle")
    assert list(opened.train.labels).count(2) == 1
    assert reported[-1] == "no validation data for middle: provide two or more recordings of each"


def test_a_single_class_is_refused_without_background(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data")
    (data / "low").rename(tmp_path / "noise")
    with pytest.raises(DatasetError, match="There is only one class, 'high'"):
        open_data(options(data, tmp_path / "x"), lambda _: None)
    background = (str(tmp_path / "noise"),)
    opened = open_data(options(data, tmp_path / "x", background=background), lambda _: None)
    assert opened.classes == ("high",)
    assert list(opened.train.labels).count(BACKGROUND) == 10
    one_of_one = options(data, tmp_path / "x", background=background, activation="softmax")
    with pytest.raises(DatasetError, match="There is only one class"):
        open_data(one_of_one, lambda _: None)


def test_classes_of_one_recording_each_are_refused(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data", 1)
    with pytest.raises(DatasetError, match="no validation data"):
        open_data(options(data, tmp_path / "x"), lambda _: None)


def test_two_folders_with_one_name_are_refused_in_a_tree(tmp_path: Path) -> None:
    for home in ("birds/crow", "rain/crow"):
        (tmp_path / "data" / home).mkdir(parents=True)
        soundfile.write(tmp_path / "data" / home / "1.wav", tone(500), 8000)
    with pytest.raises(DatasetError, match="Two folders have the class name 'crow'"):
        open_data(replace(options(tmp_path / "data", tmp_path / "x"), expert=True), lambda _: None)


@pytest.mark.parametrize("name", ["nothing", "file.txt"])
def test_a_path_that_is_not_a_folder_of_classes_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").touch()
    with pytest.raises(DatasetError, match="is not a folder"):
        open_data(options(tmp_path / name, tmp_path / "x"), lambda _: None)


def test_an_empty_class_is_left_out_with_a_warning(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data")
    (data / "owl").mkdir()
    (data / "newt").mkdir()
    (data / "newt" / "broken.wav").write_text("not sound")
    reported: list[str] = []
    opened = open_data(options(data, tmp_path / "x", exclusive=("owl",)), reported.append)
    assert opened.classes == ("high", "low")
    assert opened.provenance[LEFT_OUT] == ["newt", "owl"]
    assert "left out, because they have no readable audio: newt, owl" in reported
    assert any("broken.wav" in line for line in reported)


def test_a_declared_class_without_samples_is_left_out_with_a_warning(tmp_path: Path) -> None:
    classes = ("frog", "owl", "rain")
    write(tmp_path / "pond", [number % 2 * 2 for number in range(20)], classes=classes)
    reported: list[str] = []
    opened = open_data(options(tmp_path / "pond", tmp_path / "x", features={}), reported.append)
    assert opened.classes == ("frog", "rain")
    assert opened.provenance[LEFT_OUT] == ["owl"]
    assert sorted(set(opened.train.labels)) == [0, 1]
    assert any("audio: owl" in line for line in reported)


def test_a_background_class_is_found_in_any_unicode_form(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data")
    (data / "low").rename(data / "ne\u0301ant")
    opened = open_data(options(data, tmp_path / "x", background=("n\u00e9ant",)), lambda _: None)
    assert opened.classes == ("high",)


def test_files_that_are_not_audio_are_reported(tmp_path: Path) -> None:
    data = write_tone_folders(tmp_path / "data")
    (data / "low" / "notes.txt").touch()
    (data / "low" / ".DS_Store").touch()
    reported: list[str] = []
    open_data(options(data, tmp_path / "x"), reported.append)
    assert "left out (not audio): low/notes.txt" in reported
