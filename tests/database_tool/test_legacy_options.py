"""The options of Tidzam 2019."""

from pathlib import Path

import pytest

from tests.support.database_tool import run, values
from tests.support.datasets import write as write_dataset
from tidzam.dataset import open_dataset


@pytest.fixture
def pond(here: Path) -> Path:
    """A dataset of 12 frogs and 4 rains."""
    return write_dataset(here / "pond", [0] * 12 + [1] * 4).folder


def counts(folder: str | Path) -> dict[str, int]:
    return open_dataset(Path(folder)).manifest.counts


def test_a_folder_of_audio_is_compiled_with_the_default_features(sounds: Path) -> None:
    done = run("--dataset", "pond", "--audio-folder", sounds, "--processes", "1")
    assert "16 samples of 2 classes" in done.stdout
    assert "8000 Hz is resampled to 22050 Hz" in done.stderr


def test_a_folder_can_be_added_as_one_class(sounds: Path) -> None:
    run("--dataset", "pond", "--audio-folder", sounds, "--processes", "1")
    run("--dataset", "pond", "--audio-folder", sounds / "rain", "--classe", "water", "--processes", "1")
    assert counts("pond") == {"frog": 10, "rain": 6, "water": 6}


def test_an_empty_class_is_added(pond: Path) -> None:
    run("--dataset", pond, "--classe", "owl")
    assert counts(pond) == {"frog": 12, "rain": 4, "wren": 0, "owl": 0}


def test_a_class_without_a_dataset_makes_one(here: Path) -> None:
    run("--dataset", "pond", "--classe", "owl")
    assert counts("pond") == {"owl": 0}


@pytest.mark.parametrize(
    ("classe", "expected"),
    [((), {"frog": 12, "rain": 5, "wren": 1}), (("--classe", "owl"), {"frog": 12, "rain": 4, "wren": 0, "owl": 2})],
)
def test_another_dataset_is_merged(pond: Path, classe: tuple[str, ...], expected: dict[str, int]) -> None:
    write_dataset(pond.with_name("creek"), [1, 2], first=100)
    run("--dataset", pond, "--merge", pond.with_name("creek"), *classe)
    assert counts(pond) == expected


def test_it_is_renamed(pond: Path) -> None:
    run("--dataset", pond, "--rename", "marsh")
    assert not pond.exists()
    assert len(open_dataset(pond.with_name("marsh"))) == 16


def test_several_steps_are_carried_out_in_order(pond: Path) -> None:
    lines = run("--dataset", "pond", "--randomize", "--balance", "--rename", "marsh", "--seed", "1").stdout.splitlines()
    assert lines == [
        "marsh: 16 samples, was pond",
        "marsh: 24 samples, 8 of them copies: 8 of rain",
        "marsh: 24 samples, in random order (seed 1)",
    ]


def test_a_test_dataset_is_split_off_by_recordings(pond: Path) -> None:
    run("--dataset", pond, "--split", "0.25", "--split-name", "held-out")
    train, test = open_dataset(pond), open_dataset(pond.with_name("held-out"))
    assert len(train) + len(test) == 16
    assert not set(train.groups) & set(test.groups)


def test_statistics_file_count_and_content_are_shown(pond: Path) -> None:
    shown = run("--dataset", "pond", "--metadata", "--file-count", "--info").stdout
    for text in ("dB, mean", "pond: 7 files", "frog", "0.1 s"):
        assert text in shown


def test_json_has_the_content_and_the_result_of_each_step(pond: Path) -> None:
    found = values("--dataset", pond, "--metadata")
    assert len(found["statistics"]["mean_db"]) == 8
    assert [step["dataset"] for step in found["done"]] == [str(pond)]


def test_one_step_can_be_resumed_with_what_only_reads(here: Path) -> None:
    pond = write_dataset(here / "pond", [0, 0, 1]).folder
    run("--dataset", pond, "--balance", "--metadata", "--file-count", "--info", "--resume")
    assert len(open_dataset(pond)) == 4
