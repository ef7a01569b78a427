"""BirdNET as it is installed from its package: real birds named offline, as its bare interpreter names them.

The reference for shared data is forest.birdnet.csv; everywhere, it is the interpreter on synthesized sound.
"""

import csv
import json
import os
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.special import expit
from typer.testing import CliRunner

from analyzer.__main__ import app
from analyzer.files.analysis import window_batches
from analyzer.files.recording import AnalyzedFile
from analyzer.pipeline import Pipeline
from analyzer.window_schedule import WindowSchedule
from tests.support.birdnet import HOME, installed_birdnet
from tests.support.novelty import FOREST as SMALL_FOREST
from tests.support.novelty import noise, write_noise
from tests.support.sound import tone
from tidzam.audio.files import open_audio
from tidzam.bundle import Bundle, read_bundle
from tidzam.config.inference import DEFAULT_ENGINE
from tidzam.config.location import LocationSettings
from tidzam.config.settings import AnalyzerSettings
from tidzam.demo.render import write_scene
from tidzam.demo.wetland import wetland
from tidzam.inference.loading import load_cascade, load_range_model
from tidzam.inference.species_range import RangeModel, week_of
from tidzam.paths import DEMO_BUNDLES
from tidzam.results import Analysis
from trainer.novelty.app import NoveltyOptions, train_novelty

FIELD = Path(os.environ.get("TIDZAM_DATA", Path(__file__).parents[2].parent / "shared" / "data")) / "field"
FOREST, REFERENCE = FIELD / "forest.flac", FIELD / "forest.birdnet.csv"
ITHACA = LocationSettings(latitude=42.48, longitude=-76.45)

pytestmark = pytest.mark.timeout(280)
needs_forest = pytest.mark.skipif(not FOREST.is_file(), reason=f"there is no {FOREST}; TIDZAM_DATA names its folder")


@pytest.fixture(scope="module")
def birdnet() -> Bundle:
    return installed_birdnet()


def analyses(path: Path, pipeline: Pipeline) -> list[Analysis]:
    """The analysis of each window of a file's first channel."""
    with open_audio(path) as audio:
        schedule = WindowSchedule.of(
            audio.rate_hz, window_s=pipeline.window_s, overlap=0.0, longest_s=pipeline.longest_window_s
        )
        batches = window_batches(audio, AnalyzedFile.of(audio, 0), schedule)
        return [pipeline.analyze(batch)[0] for batch in batches]


def confidences(path: Path) -> list[dict[str, float]]:
    """The probabilities of each window of a file's first channel."""
    pipeline = Pipeline.of(AnalyzerSettings(models=("birdnet",)), home=HOME)
    return [dict(one.probabilities) for one in analyses(path, pipeline)]


def with_selector(birdnet: Bundle, *, parent: str | None) -> Pipeline:
    """A cascade of the demo's selector, with windows of 1 s, and BirdNET: under the class `parent`, or beside it."""
    placed = birdnet.manifest.model_copy(update={"parent": parent, "root": parent is None})
    bundles = [read_bundle(DEMO_BUNDLES / "selector"), replace(birdnet, manifest=placed)]
    return Pipeline(load_cascade(bundles, DEFAULT_ENGINE))


@needs_forest
def test_the_confidences_equal_those_of_the_reference(birdnet: Bundle) -> None:
    found = confidences(FOREST)
    label_of = {name: label for label, name in birdnet.manifest.scientific_names.items()}
    with REFERENCE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    differences = [
        abs(
            found[round(float(row["start_s"]) / 3)][label_of[row["label"].partition("_")[0]]] - float(row["confidence"])
        )
        for row in rows
    ]
    assert len(rows) == 160
    assert max(differences) < 1e-3


def test_the_confidences_equal_those_of_the_bare_interpreter(birdnet: Bundle, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    path, _ = write_scene(tmp_path, "pond", wetland(3, duration_s=12, channels=1, rate_hz=48000))
    sound, _ = soundfile.read(path, dtype="float32", always_2d=True)
    interpreter = Interpreter(model_path=str(birdnet.file("litert")))
    interpreter.allocate_tensors()
    (given,), (returned,) = interpreter.get_input_details(), interpreter.get_output_details()
    for found, window in zip(confidences(path), sound[:, 0].reshape(-1, 144000), strict=True):
        interpreter.set_tensor(given["index"], window[None])
        interpreter.invoke()
        expected = expit(interpreter.get_tensor(returned["index"])[0])
        np.testing.assert_allclose([found[label] for label in birdnet.manifest.classes], expected, atol=1e-5)


@pytest.mark.parametrize("parent", ["birds", None])
def test_with_a_selector_of_one_second_it_hears_the_windows_that_it_hears_alone(
    birdnet: Bundle, parent: str | None, tmp_path: Path
) -> None:
    path, _ = write_scene(tmp_path, "pond", wetland(3, duration_s=12, channels=1, rate_hz=48000))
    alone, compared = confidences(path), 0
    for number, found in enumerate(analyses(path, with_selector(birdnet, parent=parent))):
        if "birdnet" in found.ages_s or "Wood Thrush" not in found.probabilities or number % 3 != 2:
            continue
        whole = found.probabilities[parent] if parent else 1.0
        shares = [found.probabilities[label] / whole for label in birdnet.manifest.classes]
        np.testing.assert_allclose(shares, [alone[number // 3][label] for label in birdnet.manifest.classes], atol=1e-4)
        compared += 1
    assert compared >= (1 if parent else 4)


@needs_forest
def test_the_birds_of_the_forest_are_named_under_a_selector_of_one_second(birdnet: Bundle) -> None:
    found = analyses(FOREST, with_selector(birdnet, parent="birds"))
    assert {"Wood Thrush", "American Redstart", "Hooded Warbler"} <= {label for one in found for label in one.result}
    assert {round(one.ages_s["birdnet"], 6) for one in found if one.ages_s} == {1.0, 2.0}


@needs_forest
def test_the_command_line_names_the_birds_of_the_forest(birdnet: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDZAM_HOME", str(HOME))
    done = CliRunner().invoke(app, ["--stream", str(FOREST), "--models", "birdnet", "--json"])
    assert done.exit_code == 0
    heard = {row["class"] for row in json.loads(done.stdout)["detections"]}
    assert {"Wood Thrush", "American Redstart", "Hooded Warbler"} <= heard


def test_it_knows_which_species_live_at_a_place_in_a_week(birdnet: Bundle) -> None:
    network = load_range_model(birdnet)
    assert network is not None
    ranges = RangeModel(birdnet.manifest, network)
    june, january = (ranges.occurrence(ITHACA, week_of(date(2026, month, 10))) for month in (6, 1))
    assert june["Wood Thrush"] > 0.3
    assert january["Wood Thrush"] < 0.03
    assert june["Laughing Kookaburra"] < 0.03
    assert "Engine" not in june


def test_classes_of_other_places_are_left_out(birdnet: Bundle, tmp_path: Path) -> None:
    path = tmp_path / "pond-2026-06-10-06-00-00.wav"
    soundfile.write(path, np.zeros(144000, np.float32), 48000)
    settings = AnalyzerSettings(models=("birdnet",))
    pipeline = Pipeline.of(settings, ITHACA, home=HOME)
    with open_audio(path) as audio:
        (batch,) = window_batches(audio, AnalyzedFile.of(audio, 0), WindowSchedule(144000, 144000))
    found = pipeline.analyze(batch)[0].probabilities
    assert {"Wood Thrush", "Engine"} <= set(found)
    assert "Laughing Kookaburra" not in found
    assert 100 < len(found) < 500


def test_a_novelty_bundle_on_its_embeddings_finds_what_is_unlike_the_training_audio(
    birdnet: Bundle, tmp_path: Path
) -> None:
    made = train_novelty(
        NoveltyOptions(
            audio=(write_noise(tmp_path / "unlabeled", seconds=480, rate_hz=48000),),
            out=tmp_path / "pond",
            name="pond",
            base=birdnet.folder,
            expected_anomalies=0.05,
            forest=SMALL_FOREST,
            home=tmp_path,
        ),
        say=lambda text: None,
    )
    assert made.bundle.file("litert").is_file()
    sound = noise(30, seed=8, rate_hz=48000)
    sound[12 * 48000 : 15 * 48000] += tone(2000, rate_hz=48000, duration_s=3.0)
    soundfile.write(tmp_path / "pond.wav", sound, 48000)
    pipeline = Pipeline.of(AnalyzerSettings(models=("birdnet",), novelty=(str(tmp_path / "pond"),)), home=HOME)
    scores = [one.scores["pond"] for one in analyses(tmp_path / "pond.wav", pipeline)]
    assert int(np.argmax(scores)) == 4
