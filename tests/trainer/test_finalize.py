"""The results of a training: a bundle with its card, and summaries."""

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.training import PITCHES_HZ, SPEC, options, tone
from tidzam.bundle import Bundle
from tidzam.inference.loading import run_onnx
from trainer.app import train
from trainer.evaluation.calibration import TEMPERATURES

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def bundle(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    chosen = options(folders, tmp_path_factory.mktemp("out") / "tones", seed=1)
    return train(replace(chosen, stats_step=50), say=lambda _: None)[0]


def test_temperature_and_thresholds_are_fitted_to_the_validation_data(bundle: Bundle) -> None:
    manifest = bundle.manifest
    assert TEMPERATURES[0] <= manifest.provenance["temperature"] <= TEMPERATURES[1]
    assert set(manifest.thresholds) == set(PITCHES_HZ)
    assert manifest.accuracy["validation"]["clips"]["accuracy"] == 1


def test_the_card_is_in_the_bundle(bundle: Bundle) -> None:
    text = (bundle.folder / "card.md").read_text()
    assert text.startswith("# tones")
    assert bundle.manifest.files["onnx"].sha256 in text
    assert "iterations: 60" in text
    assert "| data.train |" in text
    assert {"confusion.png", "precision_recall.png"} <= {path.name for path in bundle.folder.iterdir()}


def test_summaries_are_beside_the_bundle(bundle: Bundle) -> None:
    folder = bundle.folder.with_name("tones.training") / "summaries"
    assert list(folder.glob("train/events.*"))
    assert list(folder.glob("validation/events.*"))
    assert (folder / "validation/projector_config.pbtxt").is_file()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_summaries_change_no_weight_even_if_the_disk_is_full(
    folders: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "full").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path / "full")]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    watched = replace(options(folders, tmp_path / "watched", iterations=8), stats_step=4)
    unwatched = options(folders, tmp_path / "unwatched", iterations=8)
    features = np.random.default_rng(1).uniform(-90, -10, (7, *SPEC.shape)).astype(np.float32)
    try:
        watched.work.mkdir()
        watched.summaries.symlink_to(tmp_path / "full")
        a, b = (
            run_onnx(train(chosen, say=lambda _: None)[0].file("onnx"), features) for chosen in (watched, unwatched)
        )
    finally:
        subprocess.run(["umount", str(tmp_path / "full")], check=True)
    np.testing.assert_array_equal(a, b)
    assert caplog.text.count("summaries are incomplete") == 1


def test_a_bundle_is_fine_tuned_with_another_class(bundle: Bundle, folders: Path, tmp_path: Path) -> None:
    for label in PITCHES_HZ:
        (tmp_path / "three" / label).mkdir(parents=True)
        for path in (folders / label).iterdir():
            (tmp_path / "three" / label / path.name).symlink_to(path)
    (tmp_path / "three/middle").mkdir()
    for number in range(10):
        samples = tone(1200 * (0.95 + 0.01 * number))
        soundfile.write(tmp_path / f"three/middle/middle{number}.wav", samples, 8000)
    reported: list[str] = []
    chosen = replace(options(tmp_path / "three", tmp_path / "more", iterations=40), init=bundle.folder)
    further = train(chosen, say=reported.append)[0]
    assert any(line.endswith("kept classes: high, low; new classes: middle") for line in reported)
    assert further.manifest.provenance["init"] == str(bundle.folder)
    assert further.manifest.accuracy["validation"]["macro_f1"] > 0.6
