"""The recorder of examples/anomaly: from two microphones to predictions. Files are its microphones."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from examples.anomaly.commands import main
from examples.anomaly.places import SoundFolders, microphone
from examples.anomaly.predictions import convert
from tests.support.sound import tone
from tidzam.errors import ConfigError, NodeError
from tidzam.types import Float32

pytest.importorskip("sklearn")
pytestmark = pytest.mark.timeout(180)

RATE_HZ = 8000
TRAINING = ("--window-s", "0.25", "--rate-hz", str(RATE_HZ), "--trees", "30", "--expected-anomalies", "0.03")


def hiss(seconds: float, seed: int) -> Float32:
    """The sound of the place."""
    rng = np.random.default_rng(seed)
    return (0.05 * rng.standard_normal(round(seconds * RATE_HZ))).astype(np.float32)


def write(path: Path, samples: Float32) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE_HZ)
    return str(path)


@pytest.fixture(scope="module")
def whistle() -> Float32:
    """The place, with something unusual in it."""
    return hiss(1, 7) + tone(2000, duration_s=1, rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, whistle: Float32) -> SoundFolders:
    """A recorder that was trained, and has recorded two microphones."""
    folders = SoundFolders(tmp_path_factory.mktemp("recorder"))
    for number in range(2):
        write(folders.train_unlabled / f"mic1-{number}.flac", hiss(30, number))
    root = ["--root", str(folders.root)]
    assert main([*root, "train_iforest", *TRAINING]) == 0
    microphones = [write(folders.root / "quiet.wav", hiss(1, 5)), write(folders.root / "loud.wav", whistle)]
    assert main([*root, "record_two", *microphones, "--duration", "2"]) == 0
    return folders


def test_two_microphones_are_recorded_converted_and_predicted(recorded: SoundFolders) -> None:
    assert recorded.onnx.is_file()
    assert not list(recorded.record_buffer.glob("*.wav"))
    files = {path.name for path in recorded.flac.glob("*.flac")}
    with recorded.predictions.open(encoding="utf-8", newline="") as table:
        rows = dict(csv.reader(table))
    assert rows.keys() == files
    assert {name.partition("-")[0] for name in files} == {"mic1", "mic2"}
    anomalies = {path.name for path in recorded.predicted_records.iterdir()}
    assert anomalies == {name for name, result in rows.items() if result == "anomaly"}
    assert any(name.startswith("mic2") for name in anomalies)


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory, recorded: SoundFolders, whistle: Float32) -> SoundFolders:
    """A recorder with damaged files of an earlier run that could not write its predictions."""
    folders = SoundFolders(tmp_path_factory.mktemp("ended"))
    folders.bundle.symlink_to(recorded.bundle)
    write(folders.flac / "loud.flac", whistle)
    for damaged in (folders.flac / "damaged.flac", folders.record_buffer / "damaged.wav"):
        damaged.parent.mkdir(exist_ok=True)
        damaged.write_bytes(b"no audio")
    folders.predictions.mkdir()
    microphones = [write(folders.root / f"quiet-{number}.wav", hiss(1, number)) for number in range(2)]
    with pytest.raises(NodeError, match=r"predictions\.csv cannot be written"):
        main(["--root", str(folders.root), "record_two", *microphones])
    return folders


def test_files_that_cannot_be_read_are_set_aside(ended: SoundFolders) -> None:
    assert {path.name for path in ended.rejected.iterdir()} == {"damaged.flac", "damaged.wav"}


def test_a_fault_ends_the_recorder_and_keeps_what_is_unusual(ended: SoundFolders) -> None:
    assert [path.name for path in ended.predicted_records.iterdir()] == ["loud.flac"]


def test_one_microphone_is_recorded_to_train_on(tmp_path: Path) -> None:
    file = write(tmp_path / "quiet.wav", hiss(0.5, 1))
    assert main(["--root", str(tmp_path), "record_single", file, "--duration", "1"]) == 0
    assert list(SoundFolders(tmp_path).train_unlabled.glob("mic1-*.flac"))


def test_what_a_crash_left_in_the_buffer_is_converted(tmp_path: Path) -> None:
    folders, samples = SoundFolders(tmp_path), hiss(0.5, 1)
    write(folders.record_buffer / "mic1-2026-05-01-06-00-00.wav", samples)
    (folders.record_buffer / ".mic1-2026-05-01-06-01-00.wav").write_bytes(b"in progress")
    convert(folders)
    made, _ = soundfile.read(folders.flac / "mic1-2026-05-01-06-00-00.flac", dtype="int16")
    assert np.abs(made / 32768 - samples).max() < 1e-4
    assert [path.name for path in folders.record_buffer.iterdir()] == [".mic1-2026-05-01-06-01-00.wav"]


def test_a_microphone_is_any_address(tmp_path: Path) -> None:
    assert microphone("https://pond.example/live.ogg", "mic1") == ["--sources", "mic1=https://pond.example/live.ogg"]


def test_the_devices_are_listed_with_their_indices(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert [line.split()[0] for line in lines] == [str(number) for number in range(len(lines))]
    assert ("No sound card" in shown.err) == (not lines)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match="no microphone with the index 99"):
        microphone("99", "mic1")
