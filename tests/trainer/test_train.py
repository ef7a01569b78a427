"""Small trainings end to end on two tones, and refusals."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.support.training import PITCHES_HZ, SPEC, options, tone
from tidzam.audio.features import extract
from tidzam.bundle import MANIFEST, Bundle, read_bundle
from tidzam.errors import ConfigError, DatasetError, SetupError
from tidzam.inference.loading import run_onnx
from trainer.app import train
from trainer.options import TrainingOptions
from trainer.output import check_output

FEATURES = np.random.default_rng(1).uniform(-90, -10, (7, *SPEC.shape)).astype(np.float32)


def train_one(options: TrainingOptions) -> Bundle:
    return train(options, say=lambda _: None)[0]


@pytest.fixture(scope="module")
def bundle(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train_one(options(folders, tmp_path_factory.mktemp("out") / "tones"))


def probabilities(bundle: Bundle, sound: np.ndarray) -> dict[str, float]:
    features = extract(sound[None, : SPEC.window_samples], bundle.manifest.feature_spec)
    return dict(zip(bundle.manifest.classes, map(float, run_onnx(bundle.file("onnx"), features)[0]), strict=True))


@pytest.mark.timeout(120)
def test_two_tones_are_learnt(bundle: Bundle) -> None:
    for label, hz in PITCHES_HZ.items():
        heard = probabilities(bundle, tone(hz))
        assert max(heard, key=lambda name: heard[name]) == label
        assert heard[label] > 0.5
    assert bundle.manifest.accuracy["validation"]["macro_f1"] > 0.9


@pytest.mark.timeout(120)
def test_the_bundle_verifies_and_describes_itself(bundle: Bundle) -> None:
    manifest = read_bundle(bundle.folder).manifest
    assert manifest.classes == ("high", "low")
    assert manifest.features == SPEC
    assert manifest.labels.parents == {"tones": None, "high": "tones", "low": "tones"}
    assert manifest.provenance["clips"]["bad"] == 0
    assert "iterations: 60" in manifest.provenance["training_file"]


@pytest.mark.timeout(120)
def test_keras_and_onnx_agree(bundle: Bundle) -> None:
    import keras

    expected = keras.models.load_model(bundle.file("keras"))(FEATURES, training=False)
    np.testing.assert_allclose(run_onnx(bundle.file("onnx"), FEATURES), expected, atol=1e-4)


@pytest.mark.timeout(120)
def test_same_seed_same_weights_with_any_number_of_batch_workers(folders: Path, tmp_path: Path) -> None:
    runs = {
        "a": options(folders, tmp_path / "a", iterations=6, seed=3),
        "b": replace(options(folders, tmp_path / "b", iterations=6, seed=3), batch_workers=2),
        "c": options(folders, tmp_path / "c", iterations=6, seed=4),
    }
    a, b, c = (run_onnx(train_one(run).file("onnx"), FEATURES) for run in runs.values())
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.timeout(60)
def test_an_unreadable_file_is_reported_counted_and_skipped(folders: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    for label in PITCHES_HZ:
        (data / label).mkdir(parents=True)
        for path in (folders / label).iterdir():
            (data / label / path.name).write_bytes(path.read_bytes())
    (data / "low" / "bad.wav").write_text("not sound")
    (data / "low" / "empty.wav").touch()
    soundfile.write(data / "low" / "other.wav", tone(500, rate_hz=16000), 16000)
    reported: list[str] = []
    short = options(data, tmp_path / "x", iterations=1)
    (bundle,) = train(short, say=reported.append)
    assert bundle.manifest.provenance["clips"]["bad"] == 2
    assert any("bad.wav" in line for line in reported)
    assert any("empty.wav" in line for line in reported)
    assert [line for line in reported if "resampling" in line] == ["resampling audio from 16000 Hz to 8000 Hz"]
    with pytest.raises(DatasetError, match="2 files cannot be read"):
        train_one(replace(short, out=tmp_path / "y", strict=True))


def test_a_class_of_which_nothing_can_be_read(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "low").mkdir(parents=True)
    (tmp_path / "data" / "high").symlink_to(folders / "high")
    (tmp_path / "data" / "low" / "1.wav").write_text("not sound")
    with pytest.raises(DatasetError, match="no readable audio of low"):
        train_one(options(tmp_path / "data", tmp_path / "x"))


def test_wrong_names_are_refused(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no network 'huge'"):
        train_one(options(folders, tmp_path / "x", dnn="huge"))
    with pytest.raises(DatasetError, match="--exclusive names unknown classes: silence"):
        train_one(options(folders, tmp_path / "x", exclusive=("silence",)))
    with pytest.raises(DatasetError, match="'wind' is neither a class nor a folder"):
        train_one(options(folders, tmp_path / "x", background=("wind",)))


def test_a_folder_that_is_not_a_bundle_is_never_replaced(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="exists and is not a bundle"):
        train_one(options(folders, tmp_path))
    assert (tmp_path / "precious.txt").exists()


def test_an_output_folder_that_cannot_be_written_is_reported_at_the_start(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SetupError, match=r"Cannot write .*file/x\.training: not a directory"):
        train_one(options(folders, tmp_path / "file" / "x"))


def test_experts_replace_evaluated_experts_and_nothing_else(folders: Path, tmp_path: Path) -> None:
    again = replace(options(folders, tmp_path / "nn"), expert=True)
    for name in ("selector", "selector.evaluation"):
        (tmp_path / "nn" / name).mkdir(parents=True)
    (tmp_path / "nn/selector" / MANIFEST).touch()
    (tmp_path / "nn/selector.evaluation/card.md").touch()
    check_output(again)
    (tmp_path / "nn/mine").mkdir()
    (tmp_path / "nn/mine/notes.txt").touch()
    with pytest.raises(ConfigError, match="exists and is not a bundle"):
        check_output(again)


def test_an_invalid_classifier_name_is_refused_at_the_start(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Invalid classifier name"):
        train_one(replace(options(folders, tmp_path / "x"), name="../x"))


@pytest.mark.timeout(60)
def test_softmax_is_evaluated_by_clips_here_with_an_ensemble(folders: Path, tmp_path: Path) -> None:
    exclusive = options(folders, tmp_path / "x", activation="softmax", iterations=100, ensemble=2)
    validation = train_one(exclusive).manifest.accuracy["validation"]
    assert validation["clips"]["accuracy"] > 0.9
    assert np.sum(validation["clips"]["confusion"]) == validation["clips"]["clips"]


def test_importing_the_trainer_brings_no_tensorflow() -> None:
    check = "import trainer.cli, sys; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=30)
