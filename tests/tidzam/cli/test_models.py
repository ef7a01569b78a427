"""`tidzam models`: what it does and prints."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.support.waveform_models import write_onnx
from tidzam.bundle import read_bundle
from tidzam.cli.models import app
from tidzam.errors import BundleError, TidzamError


def run(home: Path, *words: str) -> Result:
    return CliRunner().invoke(app, [*words, "--home", str(home)])


def answer(home: Path, *words: str) -> Any:
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def refused(home: Path, *words: str) -> TidzamError:
    error = run(home, *words).exception
    assert isinstance(error, TidzamError)
    return error


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    """A home with the model `tones`."""
    (tmp_path / "labels.csv").write_text("label,scientific_name\nhum,\nwhistle,Siffleur siffleur\n")
    path = write_onnx(tmp_path / "tones.onnx")
    size = ("--rate-hz", "8000", "--window-s", "0.5", "--band-hz", "100-3000")
    done = run(tmp_path, "import", str(path), "--labels", str(tmp_path / "labels.csv"), *size, "--output", "logits")
    assert done.exit_code == 0, done.output
    assert "installed" in done.output
    return tmp_path


def test_without_models_the_list_is_empty(tmp_path: Path) -> None:
    assert answer(tmp_path, "list")["models"] == []
    assert "No model is installed" in run(tmp_path, "list").stdout


def test_an_imported_model_is_listed(imported: Path) -> None:
    (row,) = answer(imported, "list")["models"]
    assert (row["name"], row["input"], row["rate_hz"], row["window_s"]) == ("tones", "waveform", 8000, 0.5)
    assert row["band_hz"] == [100.0, 3000.0]
    assert row["formats"] == ["onnx"]


def test_a_damaged_model_is_listed_with_the_reason(imported: Path) -> None:
    (imported / "models" / "tones" / "model.onnx").write_bytes(b"x")
    (row,) = answer(imported, "list")["models"]
    assert "its checksum differs" in row["error"]
    assert "its checksum differs" in run(imported, "list").stdout


def test_show_prints_the_manifest(imported: Path) -> None:
    assert answer(imported, "show", "tones")["scientific_names"] == {"whistle": "Siffleur siffleur"}
    assert "whistle (Siffleur siffleur)" in run(imported, "show", "tones").stdout


def test_show_prints_the_version_by_which_clips_name_the_model(imported: Path) -> None:
    version = read_bundle(imported / "models" / "tones").manifest.version
    assert f"version    {version}" in [line.rstrip() for line in run(imported, "show", "tones").stdout.splitlines()]


def test_a_name_is_used_once(imported: Path) -> None:
    words = ("import", str(imported / "tones.onnx"), "--labels", str(imported / "labels.csv"))
    size = ("--rate-hz", "8000", "--window-s", "0.5", "--output", "logits")
    error = refused(imported, *words, *size)
    assert error.code == "model_exists"
    assert answer(imported, *words, *size, "--replace")["name"] == "tones"


def test_a_removed_model_is_gone(imported: Path) -> None:
    assert answer(imported, "remove", "tones")["removed"] == "tones"
    assert answer(imported, "list")["models"] == []


def test_an_unknown_model_is_refused_with_the_nearest(imported: Path) -> None:
    error = refused(imported, "remove", "tone")
    assert error.code == "model_missing"
    assert "Did you mean 'tones'?" in error.hint


@pytest.mark.parametrize("name", ["..", "../models/tones", ".", ""])
def test_a_name_is_not_a_path(imported: Path, name: str) -> None:
    assert refused(imported, "remove", name).code == "model_missing"
    assert len(answer(imported, "list")["models"]) == 1


def test_the_license_of_birdnet_is_shown_before_anything_is_fetched(tmp_path: Path) -> None:
    error = refused(tmp_path, "add", "birdnet")
    assert isinstance(error, BundleError)
    assert error.code == "model_license"


def test_a_model_without_ranges_lists_no_species(imported: Path) -> None:
    error = refused(imported, "species", "--latitude", "1", "--longitude", "2", "--model", "tones")
    assert error.code == "model_range"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ((), "Specify --rate-hz and --window-s"),
        (("--rate-hz", "8000", "--window-s", "1", "--band-hz", "low"), "expected LOW-HIGH"),
        (("--rate-hz", "8000", "--window-s", "1", "--band-hz", "0-9000"), "expected fmin_hz < fmax_hz <= 4000"),
        (("--rate-hz", "8000", "--features", "x"), "--features excludes"),
    ],
)
def test_options_that_do_not_fit_are_wrong_usage(tmp_path: Path, words: tuple[str, ...], reason: str) -> None:
    done = run(tmp_path, "import", "m.onnx", "--labels", "labels.txt", *words)
    assert done.exit_code == 2
    assert reason in " ".join(done.output.split())


def test_a_known_model_that_is_installed_is_named_in_the_refusal(tmp_path: Path) -> None:
    (tmp_path / "models" / "birdnet").mkdir(parents=True)
    error = refused(tmp_path, "add", "birdnet", "--accept-license")
    assert error.code == "model_exists"
    assert error.message.startswith("A model called 'birdnet' is installed in ")
