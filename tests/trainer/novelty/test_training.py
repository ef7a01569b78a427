"""Training novelty bundles: from unlabeled audio to scores that distinguish foreign sound."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from tests.support.novelty import FOREST, RATE_HZ, noise, trained_on_noise, write_noise
from tidzam.audio.windows import network_inputs
from tidzam.bundle import read_bundle
from tidzam.errors import BundleError, ConfigError, DatasetError
from tidzam.inference.loading import load_novelty
from tidzam.paths import DEMO_BUNDLES
from trainer.cli import cli
from trainer.novelty.app import NoveltyOptions, NoveltyReport, train_novelty
from trainer.novelty.normal_scores import normal_scores, threshold_at
from trainer.novelty.unlabeled import find_audio, set_aside


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("novelty")


@pytest.fixture(scope="module")
def report(folder: Path) -> NoveltyReport:
    return trained_on_noise(folder)


def options(folder: Path, tmp_path: Path) -> NoveltyOptions:
    audio = (folder / "unlabeled",)
    return NoveltyOptions(audio=audio, out=tmp_path / "out", name="out", forest=FOREST, home=folder / "home")


def test_a_tone_is_more_unusual_than_noise(report: NoveltyReport) -> None:
    (detector,) = load_novelty([report.bundle])
    windows = noise(8, seed=9).reshape(8, RATE_HZ)
    tone = 0.1 * np.sin(2 * np.pi * 3000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    inputs = network_inputs(np.vstack([windows, tone]), RATE_HZ, report.bundle.manifest.input)
    scores = detector.network.predict(inputs)[:, 0]
    assert scores[-1] > max(report.threshold, scores[:-1].max())


def test_the_scores_of_the_bundle_are_those_of_scikit_learn(report: NoveltyReport) -> None:
    assert report.difference <= 1e-5


def test_the_expected_share_of_normal_windows_exceeds_the_threshold(report: NoveltyReport) -> None:
    assert report.above == pytest.approx(0.03, abs=1 / report.normal.windows)


def test_the_bundle_is_verified_when_it_is_read(report: NoveltyReport, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in report.bundle.folder.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    (copy / "forest.onnx").write_bytes(b"another forest")
    with pytest.raises(BundleError) as error:
        read_bundle(copy)
    assert error.value.code == "bundle_checksum"


def test_the_same_seed_gives_the_same_forest(folder: Path, report: NoveltyReport, tmp_path: Path) -> None:
    again = train_novelty(replace(options(folder, tmp_path), expected_anomalies=0.03), say=lambda text: None)
    first, second = (one.bundle.manifest.novelty for one in (report, again))
    assert first is not None
    assert second is not None
    assert first.forest.sha256 == second.forest.sha256


def test_held_out_audio_sets_the_threshold(folder: Path, report: NoveltyReport, tmp_path: Path) -> None:
    held_out = write_noise(tmp_path / "held-out", seconds=120, seed=4)
    found = train_novelty(
        replace(options(folder, tmp_path), held_out=(held_out,), false_alarms_per_hour=120.0), say=lambda text: None
    )
    assert found.normal.windows == 120
    assert found.training_windows == 240  # none are set aside
    assert found.above * 3600 == pytest.approx(120, abs=30)


def test_embeddings_of_a_bundle_are_vectors(folder: Path, tmp_path: Path) -> None:
    wanted = replace(options(folder, tmp_path), base=DEMO_BUNDLES / "selector", expected_anomalies=0.05)
    spec = train_novelty(wanted, say=lambda text: None).bundle.manifest.novelty
    assert spec is not None
    assert (spec.vector, spec.values) == ("embedding", 512)


def test_more_alarms_than_half_of_the_windows_are_refused(folder: Path, report: NoveltyReport, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected at most 1800"):
        train_novelty(replace(options(folder, tmp_path), false_alarms_per_hour=5000), say=print)


def test_too_little_audio_is_refused(tmp_path: Path) -> None:
    audio = write_noise(tmp_path / "short", seconds=20)
    wanted = NoveltyOptions(audio=(audio,), out=tmp_path / "out", name="out", home=tmp_path)
    with pytest.raises(DatasetError, match="16 windows for training"):
        train_novelty(wanted, say=lambda text: None)


def test_a_folder_without_audio_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no audio"):
        find_audio([tmp_path])


def test_each_channel_has_windows_of_its_own(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "two.wav", np.zeros((3 * RATE_HZ, 2)), RATE_HZ)
    windows = find_audio([tmp_path]).windows(1.0, most=100)
    assert [(one.channel, one.start_s) for one in windows] == [(c, s) for c in (0, 1) for s in (0.0, 1.0, 2.0)]


def test_a_fifth_of_the_windows_is_set_aside_in_blocks() -> None:
    aside = set_aside(600)
    assert aside.mean() == 0.2
    assert np.flatnonzero(np.diff(aside.astype(int)) > 0).tolist() == [239, 539]


def test_a_score_above_all_is_not_certain() -> None:
    assert normal_scores(np.linspace(0.3, 0.5, 99)).shares[-1] == 0.99


def test_a_threshold_needs_enough_windows() -> None:
    with pytest.raises(DatasetError, match="at least 100 are needed"):
        threshold_at(np.linspace(0, 1, 50), 0.01)


def test_the_command_prints_what_was_trained(folder: Path, report: NoveltyReport, tmp_path: Path) -> None:
    words = ["novelty", "--dataset-train", str(folder / "unlabeled"), "--out", str(tmp_path / "pond"), "--json"]
    more = ["--expected-anomalies", "0.05", "--trees", "10", "--home", str(folder / "home")]
    found = CliRunner().invoke(cli, [*words, *more])
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)["windows"] == {"training": 192, "normal": 48}
    assert read_bundle(tmp_path / "pond").name == "pond"
