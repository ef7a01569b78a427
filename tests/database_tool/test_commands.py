"""The commands for existing datasets."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.database_tool import SMALL, noise, run, values
from tests.support.datasets import numbers
from tests.support.datasets import write as write_dataset
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError


@pytest.fixture
def pond(here: Path) -> Path:
    """A dataset of 12 frogs and 4 rains in the working directory."""
    return write_dataset(here / "pond", [0] * 12 + [1] * 4).folder


@pytest.fixture
def creek(pond: Path) -> Path:
    """A dataset of a rain and a wren beside `pond`."""
    return write_dataset(pond.with_name("creek"), [1, 2], first=100).folder


def counts(folder: str | Path) -> dict[str, int]:
    return open_dataset(Path(folder)).manifest.counts


def steps(folder: str | Path) -> list[tuple[object, object]]:
    """The seed and the unit of every step in the provenance."""
    return [(step["seed"], step.get("by")) for step in values("info", folder)["steps"]]


def test_merge_adds_each_of_several_datasets(pond: Path, creek: Path) -> None:
    assert values("merge", pond, creek, creek)["counts"] == {"frog": 12, "rain": 6, "wren": 2}


def test_merge_adds_a_dataset_as_one_class(pond: Path, creek: Path) -> None:
    assert values("merge", pond, creek, "--classe", "owl")["merged"] == 2
    assert counts(pond) == {"frog": 12, "rain": 4, "wren": 0, "owl": 2}


def test_balance_makes_copies_of_small_classes(pond: Path) -> None:
    assert values("balance", pond)["copies"] == {"frog": 0, "rain": 8, "wren": 0}


def test_randomize_keeps_the_samples(pond: Path) -> None:
    before = numbers(open_dataset(pond))
    run("randomize", pond)
    assert sorted(numbers(open_dataset(pond))) == sorted(before)


def test_randomize_draws_another_order_with_another_seed(pond: Path) -> None:
    for seed in (1, 2):
        run("randomize", pond, "--into", f"order-{seed}", "--seed", seed)
    assert numbers(open_dataset(Path("order-1"))) != numbers(open_dataset(Path("order-2")))


def test_add_class_adds_an_empty_class(pond: Path) -> None:
    assert values("add-class", pond, "owl")["counts"]["owl"] == 0


def test_rename_moves_the_folder(pond: Path) -> None:
    assert values("rename", "pond", "marsh")["was"] == "pond"
    assert not pond.exists()


def test_metadata_records_statistics(pond: Path) -> None:
    assert len(values("metadata", pond)["statistics"]["mean_db"]) == 8


def test_info_lists_what_was_done(pond: Path, creek: Path) -> None:
    run("merge", pond, creek)
    run("add-class", pond, "owl")
    assert (
        "made by: write, merge, add class" in run("info", pond).stdout or "merge, add class" in run("info", pond).stdout
    )


@pytest.mark.parametrize("command", [("merge", "creek"), ("balance",), ("randomize",)])
def test_into_leaves_the_dataset_unchanged(pond: Path, creek: Path, command: tuple[str, ...]) -> None:
    before = open_dataset(pond).checksum
    run(command[0], "pond", *command[1:], "--into", "other")
    assert open_dataset(pond).checksum == before


@pytest.mark.parametrize("command", [("merge", "creek"), ("balance",), ("randomize",)])
def test_into_does_not_replace_another_dataset(pond: Path, creek: Path, command: tuple[str, ...]) -> None:
    mine = write_dataset(pond.with_name("mine"), [0])
    with pytest.raises(DatasetError, match="Dataset mine exists"):
        run(command[0], "pond", *command[1:], "--into", "mine")
    assert open_dataset(mine.folder).checksum == mine.checksum


@pytest.mark.parametrize(
    ("words", "result", "step"),
    [
        (("split", "pond", "--folds", "2", "--by", "source", "--seed", "3"), "pond-fold-2", (3, "source")),
        (("split", "pond", "--share", "0.5", "--rest", "rest", "--seed", "4"), "rest", (4, "group")),
        (("balance", "pond", "--into", "even", "--seed", "5"), "even", (5, None)),
        (("randomize", "pond", "--into", "mixed", "--seed", "6"), "mixed", (6, None)),
        (("--dataset", "pond", "--balance", "--seed", "7"), "pond", (7, None)),
    ],
)
def test_seed_and_unit_are_recorded(pond: Path, words: tuple[str, ...], result: str, step: tuple[int, str]) -> None:
    run(*words)
    assert steps(result) == [step]


def test_a_split_by_day_requires_times(pond: Path) -> None:
    with pytest.raises(DatasetError, match="day of recording of"):
        run("split", pond, "--share", "0.5", "--by", "day")


def test_a_split_divides_the_samples(pond: Path) -> None:
    parts = values("split", pond, "--share", "0.25", "--name", "test", "--rest", "train")["parts"]
    assert [part["samples"] for part in parts] == [4, 12]


def test_every_fold_has_every_class(sounds: Path) -> None:
    run("create", "pond", sounds, *SMALL)
    folds = values("split", "pond", "--folds", "3")["parts"]
    assert [Path(fold["dataset"]).name for fold in folds] == ["pond-fold-1", "pond-fold-2", "pond-fold-3"]
    assert all(min(fold["counts"].values()) > 0 for fold in folds)


def test_a_class_of_one_recording_is_reported_and_stays_with_the_larger_part(sounds: Path) -> None:
    noise(sounds / "owl" / "owl.wav")
    run("create", "pond", sounds, *SMALL)
    assert "class owl has fewer than 2 recordings" in run("split", "pond", "--share", "0.2").stderr
    assert counts("pond")["owl"] == 2


def test_verify_of_an_intact_dataset(pond: Path) -> None:
    assert values("verify", "pond") == {"dataset": "pond", "whole": True, "damaged": []}


@pytest.fixture
def damaged(pond: Path) -> Path:
    with (pond / "shards" / "00000.features.npy").open("r+b") as file:
        file.seek(200)
        file.write(b"x")
    return pond


def test_verify_names_damaged_files_and_exits_with_1(damaged: Path) -> None:
    assert "00000.features.npy: its checksum differs" in run("verify", damaged, code=1).stderr


def test_verify_lists_damaged_files_as_json(damaged: Path) -> None:
    found = json.loads(run("verify", damaged, "--json", code=1).stdout)
    assert found["whole"] is False
    assert len(found["damaged"]) == 1


@pytest.fixture
def exported(sounds: Path) -> Path:
    """The dataset `pond` and its list `pond.csv`."""
    run("create", "pond", sounds, *SMALL, "--window", "0.5")
    run("export", "pond", "pond.csv")
    return Path("pond")


def test_an_exported_list_is_imported_again_as_the_same_dataset(exported: Path) -> None:
    run("import", "csv", "pond.csv", "again", "--like", "pond", "--processes", "1")
    one, other = open_dataset(exported), open_dataset(Path("again"))
    assert one.manifest.counts == other.manifest.counts
    np.testing.assert_array_equal(one.features(range(len(one))), other.features(range(len(one))))


def test_audio_is_exported_as_one_file_per_sample(exported: Path) -> None:
    assert values("export", exported, "clips", "--clips")["written"] == 32
    assert len(list(Path("clips").glob("*/*.flac"))) == 32


def test_audio_of_missing_files_is_counted(exported: Path) -> None:
    Path("sounds/frog/frog0.wav").unlink()
    assert values("export", exported, "clips", "--clips")["missing"] == 4


def test_info_as_json(sounds: Path) -> None:
    noise(sounds / "owl" / "owl-2026-05-01-06-30-00.wav")
    run("create", "pond", sounds, *SMALL)
    found = values("info", "pond")
    assert found["classes"][1] == {"label": "owl", "parent": None, "samples": 2, "recordings": 1}
    assert found["steps"][0]["source"] == str(sounds)
    assert found["first"] == "2026-05-01T06:30:00+00:00"
    assert found["features"]["n_mels"] == 16


def test_info_lists_the_files_that_were_left_out(sounds: Path) -> None:
    (sounds / "frog" / "empty.wav").touch()
    run("create", "pond", sounds, *SMALL)
    assert "empty.wav" in run("info", "pond").stdout
