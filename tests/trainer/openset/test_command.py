"""A recognizer from annotated recordings to the cascade that runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from tests.support.embedding_models import write_hidden_layer_bundle
from tests.support.openset import DAYS, write_recordings
from tests.support.training import SPEC, tone
from tidzam.bundle import Bundle, read_bundle
from tidzam.bundle.installed import installed_models
from tidzam.embeddings.network import EmbeddingNetwork, open_embedding_network
from tidzam.embeddings.recognizer_layer import RecognizerLayer
from tidzam.errors import BundleError
from tidzam.inference.decision import decide
from tidzam.inference.loading import load_cascade
from tidzam.jobs.reports import FailureReport, ProgressReport, ResultReport, parse_report
from tidzam.types import Float32
from trainer.cli import cli
from trainer.openset.export import require_same
from trainer.openset.recognizer import Recognizer
from trainer.openset.report import CARD, PICTURES, REPORT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with annotated recordings, a base, and a recognizer that was trained by the command."""
    home = tmp_path_factory.mktemp("home")
    write_recordings(home)
    write_hidden_layer_bundle(home / "base")
    done = train(home, home / "models" / "calls")
    assert done.exit_code == 0, done.output
    return home


def train(home: Path, out: Path, *more: str) -> Result:
    days = [f"--train={DAYS[0]}", f"--test={DAYS[1]}"]
    days += [f"--train-background={DAYS[0]}", f"--test-background={DAYS[1]}"]
    base = ["--base", str(home / "base"), "--home", str(home)]
    return CliRunner().invoke(cli, ["openset", str(home / "calls.csv"), "-o", str(out), *base, *days, *more])


@pytest.fixture
def bundle(home: Path) -> Bundle:
    return read_bundle(home / "models" / "calls")


def test_the_tags_are_the_classes_of_a_bundle_that_runs_on_every_window(bundle: Bundle) -> None:
    assert (bundle.manifest.classes, bundle.manifest.is_root) == (("high", "low"), True)


def test_it_is_installed_where_models_are(home: Path) -> None:
    assert installed_models(home / "models") == ["calls"]


@pytest.mark.parametrize(("hz", "expected"), [(2800.0, ("high",)), (500.0, ("low",)), (1500.0, ("unknown",))])
def test_the_cascade_runs_it(bundle: Bundle, hz: float, expected: tuple[str, ...]) -> None:
    cascade = load_cascade([bundle])
    (probabilities,) = cascade.predict(tone(hz, SPEC.window_s)[None], SPEC.rate_hz)
    assert decide(probabilities, cascade.thresholds, cascade.labels) == expected


def test_the_cascade_returns_the_probabilities_of_the_training(home: Path, bundle: Bundle) -> None:
    report = json.loads((bundle.folder / REPORT).read_text())
    example = next(cell for cell in report["test"]["cells"] if cell["true"] == "high")["windows"][0]
    samples = read_window(Path(example["file"]), example["start_s"])
    (probabilities,) = load_cascade([bundle]).predict(samples, SPEC.rate_hz)
    assert probabilities["high"] == pytest.approx(example["probability"], abs=1e-4)  # written with four digits


def read_window(path: Path, start_s: float) -> Float32:
    start = round(start_s * SPEC.rate_hz)
    samples, _ = soundfile.read(path, start=start, frames=SPEC.window_samples, dtype="float32")
    return np.asarray(samples, np.float32)[None]


def test_the_provenance_states_the_lineage(home: Path, bundle: Bundle) -> None:
    provenance, base = bundle.manifest.provenance, read_bundle(home / "base").manifest
    assert provenance["base"] == {"name": "base", "version": base.version}
    assert provenance["days"]["train"] == [DAYS[0]]
    assert provenance["tags"]["test"] == {"high": 32, "low": 32}


def test_the_evaluation_is_in_the_manifest(bundle: Bundle) -> None:
    test = bundle.manifest.accuracy["test"]
    assert test["labels"] == ["high", "low", "unknown"]
    assert test["macro_f1"] > 0.9


def test_the_report_names_the_version_of_the_bundle(bundle: Bundle) -> None:
    assert json.loads((bundle.folder / REPORT).read_text())["version"] == bundle.manifest.version


def test_the_report_states_what_thresholds_cost(bundle: Bundle) -> None:
    costs = json.loads((bundle.folder / REPORT).read_text())["tags"]["high"]["costs"]
    assert costs[-1]["missed"] == 0.0


def test_the_card_and_its_pictures_lie_in_the_bundle(bundle: Bundle) -> None:
    assert {CARD, REPORT, *PICTURES} <= {path.name for path in bundle.folder.iterdir()}


def test_a_second_training_takes_its_embeddings_from_the_cache(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[int] = []
    embed = EmbeddingNetwork.embed

    def count(self: EmbeddingNetwork, inputs: Float32) -> Float32:
        computed.append(len(inputs))
        return embed(self, inputs)

    monkeypatch.setattr(EmbeddingNetwork, "embed", count)
    train(home, tmp_path / "again")
    assert computed == [4]  # the noise on which the result is checked


def test_an_expert_is_placed_under_its_parent(home: Path, tmp_path: Path) -> None:
    train(home, tmp_path / "tones", "--parent", "loud")
    assert read_bundle(tmp_path / "tones").manifest.place == "loud"


def test_json_is_the_report(home: Path, tmp_path: Path) -> None:
    done = train(home, tmp_path / "calls", "--json", "--tag", "high")
    assert list(json.loads(done.stdout)["tags"]) == ["high"]


def test_programs_get_progress_and_a_summary_line_by_line(home: Path, tmp_path: Path) -> None:
    done = train(home, tmp_path / "calls", "--progress-json")
    reports = [parse_report(line) for line in done.stdout.splitlines()]
    assert ProgressReport(0.95, "training and evaluating") in reports
    result = reports[-1]
    assert isinstance(result, ResultReport)
    assert (result.result["model"], result.result["tags"]) == ("calls", ["high", "low"])


def test_programs_get_the_reason_of_a_failure(home: Path, tmp_path: Path) -> None:
    done = train(home, tmp_path / "calls", "--progress-json", "--tag", "heron")
    report = parse_report(done.stdout.splitlines()[-1])
    assert isinstance(report, FailureReport)
    assert report.code == "dataset_small"


def test_other_folders_are_not_overwritten(home: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    done = train(home, tmp_path)
    assert (done.exit_code, (tmp_path / "notes.txt").read_text()) == (1, "mine")


def test_an_unknown_base_is_named(home: Path, tmp_path: Path) -> None:
    done = train(home, tmp_path / "calls", "--base", "burdnet")
    assert done.exit_code == 1


def test_a_network_that_differs_from_the_training_is_refused(home: Path, tmp_path: Path) -> None:
    layer = RecognizerLayer(np.ones((SPEC.n_mels, 1), np.float32), np.zeros(1, np.float32))
    with open_embedding_network(read_bundle(home / "base")) as network:
        network.write_recognizer(tmp_path / "model.onnx", replace(layer, weights=layer.weights * np.float32(1.01)))
        with pytest.raises(BundleError, match="differ by"):
            require_same(network, tmp_path / "model.onnx", Recognizer(layer, np.zeros((0, 1))))
