"""Training end to end, small: two tones and silence, a bundle that works, and what is refused."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from tidzam.audio.features import FeatureSpec, extract
from tidzam.bundle import Bundle, read_bundle
from tidzam.errors import ConfigError, DatasetError
from trainer.__main__ import cli
from trainer.app import Options, train
from trainer.export import run_onnx

SPEC = FeatureSpec(rate_hz=8000, window_s=0.25, fft_length=256, hop_length=128, n_mels=16, fmax_hz=4000)
PITCHES_HZ = {"high": 2800.0, "low": 500.0}


def tone(hz: float, seconds: float = 0.6) -> np.ndarray:
    return (0.2 * np.sin(2 * np.pi * hz * np.arange(int(8000 * seconds)) / 8000)).astype(np.float32)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("tones")
    for label, hz in PITCHES_HZ.items():
        (root / label).mkdir()
        for number in range(10):
            soundfile.write(root / label / f"{number}.wav", tone(hz * (0.95 + 0.01 * number)), 8000)
    return root


def options(folders: Path, out: Path) -> Options:
    return Options(
        dataset_train=folders, out=out, name="tones", spec=SPEC, iterations=60, batch_size=16, learning_rate=5e-3
    )


@pytest.fixture(scope="module")
def bundle(folders: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return train(options(folders, tmp_path_factory.mktemp("out") / "tones"), say=lambda _: None)


def probabilities(bundle: Bundle, sound: np.ndarray) -> dict[str, float]:
    features = extract(sound[None, : SPEC.window_samples], bundle.manifest.features)
    return dict(zip(bundle.manifest.classes, map(float, run_onnx(bundle.file("onnx"), features)[0]), strict=True))


@pytest.mark.timeout(120)
def test_it_learns_two_tones(bundle: Bundle) -> None:
    for label, hz in PITCHES_HZ.items():
        heard = probabilities(bundle, tone(hz))
        assert max(heard, key=lambda name: heard[name]) == label and heard[label] > 0.5
    assert bundle.manifest.accuracy["validation"]["macro_f1"] > 0.9


@pytest.mark.timeout(120)
def test_the_bundle_verifies_and_describes_itself(bundle: Bundle) -> None:
    manifest = read_bundle(bundle.folder).manifest
    assert manifest.classes == ("high", "low")
    assert manifest.labels.parents == {"tones": None, "high": "tones", "low": "tones"}
    assert manifest.provenance["clips"]["bad"] == 0 and manifest.provenance["iterations"] == 60


@pytest.mark.timeout(120)
def test_keras_and_onnx_agree(bundle: Bundle) -> None:
    import keras

    features = np.random.default_rng(1).uniform(-90, -10, (7, *SPEC.shape)).astype(np.float32)
    expected = keras.models.load_model(bundle.file("keras"))(features, training=False)
    np.testing.assert_allclose(run_onnx(bundle.file("onnx"), features), expected, atol=1e-4)


@pytest.mark.timeout(120)
def test_same_seed_same_weights_and_another_seed_others(folders: Path, tmp_path: Path) -> None:
    short = replace(options(folders, tmp_path / "x"), iterations=8)
    runs = [replace(short, out=tmp_path / name, seed=seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))]
    features = extract(tone(900)[None, : SPEC.window_samples], SPEC)
    a, b, c = (run_onnx(train(run, say=lambda _: None).file("onnx"), features) for run in runs)
    np.testing.assert_array_equal(a, b)
    assert not np.array_equal(a, c)


@pytest.mark.timeout(60)
def test_an_unreadable_file_is_told_counted_and_skipped(folders: Path, tmp_path: Path) -> None:
    for label in PITCHES_HZ:
        (tmp_path / "data" / label).mkdir(parents=True)
        for path in (folders / label).iterdir():
            (tmp_path / "data" / label / path.name).write_bytes(path.read_bytes())
    (tmp_path / "data" / "low" / "bad.wav").write_text("not sound")
    said: list[str] = []
    short = replace(options(tmp_path / "data", tmp_path / "x"), iterations=1)
    assert train(short, say=said.append).manifest.provenance["clips"]["bad"] == 1
    assert any("bad.wav" in line for line in said)


def test_a_class_of_which_nothing_can_be_read(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "data" / "low").mkdir(parents=True)
    (tmp_path / "data" / "high").symlink_to(folders / "high")
    (tmp_path / "data" / "low" / "1.wav").write_text("not sound")
    with pytest.raises(DatasetError, match="No file of low can be read"):
        train(options(tmp_path / "data", tmp_path / "x"), say=lambda _: None)


def test_wrong_names_are_refused(folders: Path, tmp_path: Path) -> None:
    good = options(folders, tmp_path / "x")
    with pytest.raises(ConfigError, match="no network called 'huge'"):
        train(replace(good, dnn="huge"), say=lambda _: None)
    with pytest.raises(DatasetError, match="--exclusive names silence"):
        train(replace(good, exclusive=("silence",)), say=lambda _: None)


def test_a_folder_that_is_no_bundle_is_never_replaced(folders: Path, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("keep me")
    with pytest.raises(ConfigError, match="is there already"):
        train(options(folders, tmp_path), say=lambda _: None)
    assert (tmp_path / "precious.txt").exists()


def test_a_name_that_no_bundle_can_have_is_refused_at_once(folders: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot name a classifier"):
        train(replace(options(folders, tmp_path / "x"), name="../x"), say=lambda _: None)


@pytest.mark.timeout(60)
def test_softmax_is_measured_clip_by_clip(folders: Path, tmp_path: Path) -> None:
    exclusive = replace(options(folders, tmp_path / "x"), activation="softmax", iterations=100)
    validation = train(exclusive, say=lambda _: None).manifest.accuracy["validation"]
    assert validation["clips"]["accuracy"] > 0.9
    assert np.sum(validation["clips"]["confusion"]) == validation["clips"]["clips"]


def test_command_line_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "trainer", "-o", str(tmp_path / "x"), "-d"]
    empty = subprocess.run([*argv, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False)
    assert empty.returncode == 1 and "holds no class" in empty.stderr
    assert empty.stderr.startswith("trainer: ") and empty.stderr.count("\n") == 1
    cluster = subprocess.run(
        [*argv, str(tmp_path), "--job-type", "ps"], capture_output=True, text=True, timeout=30, check=False
    )
    assert cluster.returncode == 2 and "--job-type" in cluster.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_original_options(option: str) -> None:
    shown = CliRunner().invoke(cli, [option], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for name in ("dataset-train", "dataset-test", "out", "dnn", "training-iterations", "testing-step", "batchsize"):
        assert f"--{name} " in shown.output


def test_importing_the_trainer_brings_no_tensorflow() -> None:
    check = "import trainer.__main__, sys; assert not {'tensorflow', 'keras'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True, timeout=30)
