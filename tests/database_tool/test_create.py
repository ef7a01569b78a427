"""`create`, and the options that all imports share."""

from pathlib import Path

import pytest

from database_tool.options import CompileOptions
from tests.support.bundles import write_tone_bundle
from tests.support.database_tool import SMALL, noise, run, values
from tidzam.audio.features import FeatureSpec
from tidzam.dataset import open_dataset
from tidzam.errors import DatasetError
from tidzam.parallel import cores


def test_window_and_hop(sounds: Path) -> None:
    made = values("create", "pond", sounds, *SMALL, "--window", "0.5", "--hop", "0.25")
    assert made["counts"] == {"frog": 35, "rain": 21}
    assert made["skipped"] == []


def test_windows_are_consecutive_by_default(sounds: Path) -> None:
    assert values("create", "pond", sounds, *SMALL, "--window", "0.5")["samples"] == 32


def test_an_existing_dataset_is_refused(sounds: Path) -> None:
    run("create", "pond", sounds, *SMALL)
    with pytest.raises(DatasetError, match=r"Dataset pond exists\. Use --add or --replace"):
        run("create", "pond", sounds, *SMALL)


def test_replace(sounds: Path) -> None:
    run("create", "pond", sounds, *SMALL)
    assert values("create", "pond", sounds / "rain", "--classe", "rain", *SMALL, "--replace")["counts"] == {"rain": 6}


def test_add_uses_the_features_of_the_dataset(sounds: Path) -> None:
    run("create", "pond", sounds, *SMALL)
    run("create", "pond", sounds / "frog", "--classe", "owl", "--add")
    pond = open_dataset(Path("pond"))
    assert pond.manifest.counts == {"frog": 10, "rain": 6, "owl": 10}
    assert pond.spec.rate_hz == 8000


def test_every_channel_can_be_sampled(sounds: Path) -> None:
    noise(sounds / "rain" / "stereo.wav", 1.0, channels=2)
    assert values("create", "pond", sounds, *SMALL, "--channels", "each")["counts"] == {"frog": 10, "rain": 8}


def test_like_uses_the_features_of_a_bundle(sounds: Path) -> None:
    spec = FeatureSpec(window_s=0.5, n_mels=32)
    bundle = write_tone_bundle(sounds.parent, "tones", {"frog": (500.0,)}, features=spec)
    run("create", "pond", sounds, "--like", bundle.folder, "--processes", "1")
    assert open_dataset(Path("pond")).spec == bundle.manifest.features


@pytest.mark.parametrize(("given", "workers"), [(0, cores()), (3, 3)])
def test_one_process_per_core_by_default(given: int, workers: int) -> None:
    assert CompileOptions(processes=given).workers == workers


def test_labels_get_their_parents_from_a_tree(sounds: Path) -> None:
    Path("tree.yaml").write_text("animals:\nfrog: animals\nrain:\n")
    run("create", "pond", sounds, *SMALL, "--labels", "tree.yaml")
    assert values("info", "pond")["classes"][0]["parent"] == "animals"


def test_a_file_that_cannot_be_read_is_listed(sounds: Path) -> None:
    (sounds / "rain" / "empty.wav").touch()
    assert values("create", "pond", sounds, *SMALL)["skipped"][0]["file"].endswith("empty.wav")


def test_a_file_that_cannot_be_read_is_an_error_with_strict(sounds: Path) -> None:
    (sounds / "rain" / "empty.wav").touch()
    with pytest.raises(DatasetError, match="omit --strict"):
        run("create", "pond", sounds, *SMALL, "--strict")


@pytest.fixture
def untidy(sounds: Path) -> Path:
    """Audio folders with files that cannot be used, and those of operating systems."""
    (sounds / "frog" / "notes.txt").touch()
    (sounds / "frog" / ".DS_Store").touch()
    (sounds / "__MACOSX" / "frog").mkdir(parents=True)
    (sounds / "owl").mkdir()
    (sounds / "rain" / "broken.aac").write_text("not audio")
    return sounds


@pytest.mark.parametrize(
    "line", ["left out (not audio): frog/notes.txt", "class owl has no audio file and is left out", "broken.aac"]
)
def test_what_is_left_out_is_reported(untidy: Path, line: str) -> None:
    assert line in run("create", "pond", untidy, *SMALL).stderr


@pytest.mark.parametrize("name", ["DS_Store", "MACOSX"])
def test_files_of_operating_systems_are_not_reported(untidy: Path, name: str) -> None:
    assert name not in run("create", "pond", untidy, *SMALL).stderr


def test_what_is_left_out_does_not_stop_the_rest(untidy: Path) -> None:
    assert "1 file left out" in run("create", "pond", untidy, *SMALL).stdout
    assert open_dataset(Path("pond")).classes == ("frog", "rain")


COMPOSED, DECOMPOSED = "m\u00e9sange", "me\u0301sange"


def test_create_normalizes_labels(sounds: Path) -> None:
    (sounds / "frog").rename(sounds / DECOMPOSED)
    run("create", "pond", sounds, *SMALL)
    run("create", "pond", sounds / "rain", "--classe", f" {COMPOSED}", "--add", *SMALL)
    assert open_dataset(Path("pond")).classes == (COMPOSED, "rain")


def test_merge_normalizes_labels(sounds: Path) -> None:
    run("create", "pond", sounds / "frog", "--classe", COMPOSED, *SMALL)
    run("create", "creek", sounds / "rain", "--classe", DECOMPOSED, *SMALL)
    run("merge", "pond", "creek", "--class", f"{DECOMPOSED}\u00a0")
    assert open_dataset(Path("pond")).classes == (COMPOSED,)


def test_a_label_tree_is_normalized(sounds: Path) -> None:
    (sounds / "frog").rename(sounds / DECOMPOSED)
    Path("tree.yaml").write_text(f"oiseaux:\n{COMPOSED}: oiseaux\nrain:\n")
    run("create", "pond", sounds, "--labels", "tree.yaml", *SMALL)
    assert open_dataset(Path("pond")).manifest.labels.parents[COMPOSED] == "oiseaux"


def test_add_class_normalizes_labels(sounds: Path) -> None:
    run("create", "pond", sounds / "frog", "--classe", COMPOSED, *SMALL)
    with pytest.raises(DatasetError, match="already has a class"):
        run("add-class", "pond", DECOMPOSED)


@pytest.fixture
def truncated(tmp_path: Path) -> Path:
    """Audio folders in which `rain/b.wav` ends in the middle."""
    noise(tmp_path / "clips" / "wren" / "a.wav")
    path = noise(tmp_path / "clips" / "rain" / "b.wav", 4.0)
    path.write_bytes(path.read_bytes()[: 44 + 2 * 8000 * 2])
    return tmp_path / "clips"


def test_a_file_that_was_read_in_part_ends_the_command_with_1(truncated: Path) -> None:
    done = run("create", truncated.with_name("pond"), truncated, *SMALL, code=1)
    assert "4 samples of 2 classes; 1 file read in part" in done.output


def test_a_file_that_was_read_in_part_is_listed_once(truncated: Path) -> None:
    done = run("create", truncated.with_name("pond"), truncated, *SMALL, "--json", code=1)
    assert done.stdout.count(str(truncated / "rain" / "b.wav")) == 1
