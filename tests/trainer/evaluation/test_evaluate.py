"""Evaluation of bundles on labeled audio, also by the command line."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import soundfile
from typer.testing import CliRunner

from tests.support import sound
from tests.support.bundles import SPEC, tone_manifest, write_tone_bundle
from tests.support.datasets import write
from tidzam.audio.features import extract
from tidzam.bundle import Bundle, find_bundles, read_bundle
from tidzam.dataset import DatasetWriter, Draft, Origin
from tidzam.errors import DatasetError
from tidzam.labels import LabelTree
from tidzam.types import Float32
from trainer.cli import cli
from trainer.evaluation.evaluate import Evaluation, evaluate, table_for

PITCHES_HZ = {"bass": 500.0, "whistle": 3000.0}


def tone(hz: float, seconds: float) -> Float32:
    return sound.tone(hz, rate_hz=SPEC.rate_hz, duration_s=seconds)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("bundles")
    return write_tone_bundle(folder, "selector", {label: (hz,) for label, hz in PITCHES_HZ.items()})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three clips of a few windows per class, one of them with the other tone, and a file that is not audio."""
    for label, hz in PITCHES_HZ.items():
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(3):
            wrong = label == "bass" and number == 0
            samples = tone(PITCHES_HZ["whistle"] if wrong else hz, 1.1 + number)
            soundfile.write(tmp_path / "data" / label / f"{number}.wav", samples, SPEC.rate_hz)
    (tmp_path / "data" / "bass" / "bad.wav").write_text("not sound")
    return tmp_path / "data"


def evaluate_one(bundle: Bundle, folder: Path, **how: Any) -> Evaluation:
    (found,) = evaluate([bundle], folder, **how)
    return found


def test_an_audio_folder_is_evaluated_by_windows_and_by_clips(bundle: Bundle, folder: Path) -> None:
    found = evaluate_one(bundle, folder)
    assert found.metrics.windows == 2 * (1 + 2 + 3)
    assert found.metrics.clips.confusion.tolist() == [[2, 1], [0, 3]]
    assert found.metrics.classes["bass"].recall == pytest.approx(5 / 6)
    assert [one.path.name for one in found.bad] == ["bad.wav"]
    assert found.data.startswith("on the 6 files of")


def test_a_compiled_dataset_is_evaluated_and_named_by_its_checksum(bundle: Bundle, tmp_path: Path) -> None:
    draft = Draft(name="tones", spec=SPEC, classes=tuple(PITCHES_HZ), labels=LabelTree.flat(tuple(PITCHES_HZ)))
    with DatasetWriter(tmp_path / "tones", draft) as writer:
        for label, hz in enumerate(PITCHES_HZ.values()):
            writer.add(extract(tone(hz, SPEC.window_s)[None], SPEC)[0], label, Origin(f"{label}.wav"))
        dataset = writer.finish(provenance={})
    found = evaluate_one(bundle, tmp_path / "tones")
    assert found.metrics.macro_f1 == 1
    assert found.metrics.clips.accuracy == 1
    assert dataset.checksum in found.data


def test_a_dataset_of_other_features_is_refused_and_both_are_shown(bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "other", [0, 1], classes=tuple(PITCHES_HZ))
    with pytest.raises(DatasetError, match=r"rate_hz 22050.*rate_hz 8000"):
        evaluate_one(bundle, tmp_path / "other")


def test_samples_shorter_than_a_window_are_refused(bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "short", [0, 1], classes=tuple(PITCHES_HZ), spec=replace(SPEC, window_s=0.5))
    with pytest.raises(DatasetError, match=r"is 1 s long, but samples of .* are 0.5 s long"):
        evaluate_one(bundle, tmp_path / "short")


def test_a_class_counts_as_its_parent() -> None:
    manifest = tone_manifest("selector", ("birds", "rain"))
    tree = LabelTree({"birds": None, "birds-crow": "birds", "rain": None})
    table = table_for(("birds-crow", "rain", "birds"), manifest, (tree,))
    assert table.tolist() == [[1, 0], [0, 1], [1, 0]]


def test_foreign_classes_are_refused_or_count_as_background(bundle: Bundle, folder: Path) -> None:
    (folder / "thunder").mkdir()
    soundfile.write(folder / "thunder" / "1.wav", tone(PITCHES_HZ["bass"], 1.1), SPEC.rate_hz)
    with pytest.raises(DatasetError, match=r"unknown classes: thunder\. selector has bass, whistle"):
        evaluate_one(bundle, folder)
    metrics = evaluate_one(bundle, folder, background=["thunder"]).metrics
    assert metrics.classes["bass"].precision == pytest.approx(5 / 6)  # thunder is taken for it
    assert metrics.clips.confusion.sum() == 6  # and asked of no clip's name


def test_a_dataset_without_samples_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    write(tmp_path / "empty", [], classes=tuple(PITCHES_HZ), spec=SPEC)
    with pytest.raises(DatasetError, match="has no samples"):
        evaluate_one(bundle, tmp_path / "empty")


CASCADE_HZ: dict[str, dict[str, tuple[float, ...]]] = {
    "selector": {"birds": (3000.0, 5000.0), "rain": (500.0,)},
    "birds": {"crow": (3000.0,), "goose": (5000.0,)},
    "rain": {"drizzle": (500.0,), "shower": (700.0,)},
}


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained") / "cascade"
    for name, tones_hz in CASCADE_HZ.items():
        write_tone_bundle(folder, name, tones_hz)
    return folder


def write_clips(root: Path, *homes: str) -> Path:
    """A clip of a window of crows, geese or rain in each of `homes`; there are no drizzle and no showers."""
    for home in homes:
        (root / home).mkdir(parents=True)
        hz = {"crow": 3000.0, "goose": 5000.0, "rain": 500.0}[Path(home).name]
        soundfile.write(root / home / "1.wav", tone(hz, 1.1), SPEC.rate_hz)
    return root


@pytest.mark.parametrize("homes", [("birds/crow", "birds/goose", "rain"), ("crow", "goose", "rain")])
def test_each_bundle_of_a_cascade_is_evaluated_on_its_own_classes(
    cascade: Path, tmp_path: Path, homes: tuple[str, ...]
) -> None:
    bundles = [read_bundle(folder) for folder in find_bundles(cascade)]
    birds, selector = evaluate(bundles, write_clips(tmp_path / "data", *homes))
    assert (birds.bundle.name, birds.metrics.windows) == ("birds", 2)
    assert birds.metrics.clips.confusion.tolist() == [[1, 0], [0, 1]]
    assert birds.data.startswith("on the 2 files of")
    assert selector.data.startswith("on the 3 files of")
    assert selector.metrics.clips.confusion.tolist() == [[2, 0], [0, 1]]


def test_classes_that_no_bundle_of_a_cascade_has_are_refused(cascade: Path, tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data", "birds/crow", "rain")
    (data / "rain").rename(data / "thunder")
    bundles = [read_bundle(folder) for folder in find_bundles(cascade)]
    with pytest.raises(DatasetError, match=r"unknown classes: thunder\. birds has crow, goose; rain has"):
        evaluate(bundles, data)
    _, selector = evaluate(bundles, data, background=["thunder"])
    assert selector.metrics.windows == 2
    assert selector.metrics.classes["rain"].precision == 0


def run(*argv: str) -> tuple[int, str]:
    shown = CliRunner().invoke(cli, ["evaluate", *argv], env={"COLUMNS": "120"})
    return shown.exit_code, shown.output


def test_the_command_prints_a_table_and_writes_the_card(bundle: Bundle, folder: Path, tmp_path: Path) -> None:
    code, shown = run(str(bundle.folder), str(folder), "--card", str(tmp_path / "card"))
    assert code == 0
    assert "83.3 %" in shown
    assert "whistle" in shown
    assert "skipped" in shown
    assert "bad.wav" in shown
    text = (tmp_path / "card/card.md").read_text()
    assert "- bass classified as whistle: 1 of 3 clips" in text
    assert (tmp_path / "card/confusion.png").is_file()


def test_the_command_in_json_with_the_card_beside_the_bundle(bundle: Bundle, folder: Path) -> None:
    code, shown = run(str(bundle.folder), str(folder), "--json")
    values = json.loads(shown)
    assert code == 0
    assert values["clips"]["confusion"] == [[2, 1], [0, 3]]
    assert values["unreadable"][0]["file"].endswith("bad.wav")
    assert bundle.folder.with_name("selector.evaluation").joinpath("card.md").is_file()


def test_the_command_reports_errors_in_one_line(bundle: Bundle, tmp_path: Path) -> None:
    code, shown = run(str(bundle.folder), str(tmp_path / "nowhere"))
    assert code == 1
    assert shown.startswith("trainer: ")
    assert "not a folder" in shown
    assert shown.count("\n") == 1
    assert run(str(tmp_path), str(tmp_path))[0] == 1


def test_the_command_with_a_cascade(cascade: Path, tmp_path: Path) -> None:
    data = write_clips(tmp_path / "data", "birds/crow", "birds/goose", "rain")
    code, shown = run(str(cascade), str(data))
    assert code == 0
    assert "selector, on the 3 files" in shown
    assert "birds, on the 2 files" in shown
    assert "rain was not evaluated" in shown
    cards = sorted(path.parent.name for path in (cascade.with_name("cascade.evaluation")).glob("*/card.md"))
    assert cards == ["birds", "selector"]
    code, shown = run(str(cascade), str(data), "--json", "--card", str(tmp_path / "cards"))
    assert code == 0
    assert [one["name"] for one in json.loads(shown)] == ["selector", "birds"]


def test_the_bundle_may_be_the_working_directory(bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bundle.folder)
    code, shown = run(".", str(folder))
    assert code == 0
    assert "whistle" in shown
    assert bundle.folder.with_name("selector.evaluation").joinpath("card.md").is_file()
