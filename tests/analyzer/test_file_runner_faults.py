"""`--stream` and files that are damaged, hostile or none at all: what is said, and how it ends."""

import json
import os
import socket
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from analyzer.files.progress_display import REPORT_S, progress_lines
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 44100


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"owl": (2000.0,), "rain": (500.0,)})
    return folder


def analyzer(path: Path, nn: Path, *options: str) -> subprocess.CompletedProcess[bytes]:
    argv: list[str | bytes] = [
        sys.executable,
        "-m",
        "analyzer",
        "--stream",
        os.fsencode(path),
        "--nn",
        str(nn),
        *options,
    ]
    return subprocess.run(argv, capture_output=True, check=False, timeout=50)


def sound(*tones_hz: float) -> Float32:
    return np.concatenate([tone(hz, amplitude=0.9) for hz in tones_hz])


def test_joined_files_are_analyzed_to_the_end(tmp_path: Path, nn: Path) -> None:
    path = tmp_path / "joined.ogg"
    for number, hz in enumerate((2000.0, 500.0)):
        soundfile.write(tmp_path / f"{number}.ogg", sound(hz, hz), RATE_HZ, format="OGG", subtype="VORBIS")
    path.write_bytes((tmp_path / "0.ogg").read_bytes() + (tmp_path / "1.ogg").read_bytes())
    done = analyzer(path, nn, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["duration_s"] == 4.0
    assert not report["truncated"]
    assert [(row["class"], row["start_s"]) for row in report["detections"]] == [("owl", 0.0), ("rain", 2.0)]


def test_a_part_of_another_rate_is_reported_as_not_read(tmp_path: Path, nn: Path) -> None:
    path = tmp_path / "joined.flac"
    soundfile.write(tmp_path / "0.flac", sound(2000.0), RATE_HZ)
    soundfile.write(tmp_path / "1.flac", tone(500.0, rate_hz=48000), 48000)
    path.write_bytes((tmp_path / "0.flac").read_bytes() + (tmp_path / "1.flac").read_bytes())
    done = analyzer(path, nn)
    assert done.returncode == 1
    assert b"only the first 1.0 s of 2.0 s were read: the rest is at 48000 Hz" in done.stderr


@pytest.mark.parametrize("damage", ["a flipped bit", "a run of zeros"])
def test_behind_a_damaged_flac_frame_the_file_goes_on(tmp_path: Path, nn: Path, damage: str) -> None:
    path = tmp_path / "a.flac"
    noise = 0.01 * np.random.default_rng(0).standard_normal(6 * RATE_HZ).astype(np.float32)
    soundfile.write(path, np.concatenate([sound(2000.0, 2000.0), noise[: 2 * RATE_HZ], sound(500.0, 500.0)]), RATE_HZ)
    raw = bytearray(path.read_bytes())
    middle = len(raw) // 2
    raw[middle : middle + 300] = (
        bytes(300) if damage != "a flipped bit" else [raw[middle] ^ 1, *raw[middle + 1 : middle + 300]]
    )
    path.write_bytes(raw)
    done = analyzer(path, nn, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["truncated"]
    assert report["duration_s"] == 6.0
    assert 0 < report["lost_s"] < 0.5
    assert b"s of its 6.0 s could not be decoded" in done.stderr
    assert [row["start_s"] for row in report["detections"] if row["class"] == "rain"] == [4.0]


def test_samples_that_are_no_sound_are_replaced_and_the_file_is_named(tmp_path: Path, nn: Path) -> None:
    samples = sound(2000.0, 2000.0)
    samples[[5, 60_000, 70_000]] = (np.nan, np.inf, 1e30)
    soundfile.write(tmp_path / "a.wav", samples, RATE_HZ, subtype="FLOAT")
    done = analyzer(tmp_path / "a.wav", nn, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["cleaned_samples"] == 3
    assert done.stderr.count(b"3 samples are not finite") == 1
    assert b"a.wav" in done.stderr
    assert [(row["class"], row["end_s"]) for row in report["detections"]] == [("owl", 2.0)]


def header(rate_hz: int, channels: int, data: int) -> bytes:
    fmt = struct.pack("<HHIIHH", 1, channels, rate_hz, (rate_hz * channels * 2) % 2**32, channels * 2 % 2**16, 16)
    return b"RIFF" + struct.pack("<I4s4sI", 36 + data, b"WAVE", b"fmt ", 16) + fmt + struct.pack("<4sI", b"data", data)


@pytest.mark.parametrize(
    ("rate_hz", "channels", "says"),
    [
        (10_000_000, 255, "10000000 Hz"),
        (2_000_000_000, 1, "2000000000 Hz"),
        (50, 1, "50 Hz"),
        (48000, 300, "300 channels"),
        (1_000_000, 255, "255 channels at 1000000 Hz"),
    ],
)
def test_impossible_rates_and_channels_are_refused_in_a_line(
    tmp_path: Path, nn: Path, rate_hz: int, channels: int, says: str
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(header(rate_hz, channels, 2**24) + bytes(2**24))
    done = analyzer(path, nn)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1)
    assert done.stderr.startswith(b"analyzer: ")
    assert says.encode() in done.stderr


def test_many_channels_are_analyzed_in_bounded_memory(tmp_path: Path, nn: Path) -> None:
    channels, seconds = 200, 2
    path = tmp_path / "array.wav"
    soundfile.write(path, np.tile(sound(2000.0)[:, None], (seconds, channels)), RATE_HZ, subtype="PCM_16")
    program = (
        "import re, sys\nfrom pathlib import Path\nfrom analyzer.__main__ import app\n"
        "try: app()\n"
        "finally: print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1], file=sys.stderr)"
    )
    argv = [sys.executable, "-c", program, "--stream", str(path), "--nn", str(nn), "--json"]
    done = subprocess.run(argv, capture_output=True, check=True, timeout=50)
    (detection,) = json.loads(done.stdout)["detections"]
    assert len(detection["channels"].split()) == channels
    assert int(done.stderr.split()[-1]) < 700_000  # kB; a window is 35 MB, and Python with its libraries 100


@pytest.mark.parametrize("kind", ["pipe", "socket", "device"])
def test_paths_other_than_regular_files_are_refused(tmp_path: Path, nn: Path, kind: str) -> None:
    path = {"device": Path("/dev/zero")}.get(kind, tmp_path / "a.wav")
    if kind == "pipe":
        os.mkfifo(path)
    with socket.socket(socket.AF_UNIX) as server:
        if kind == "socket":
            server.bind(str(path))
        done = analyzer(path, nn)
    assert done.returncode == 1
    assert f"is a {kind}, not a file".encode() in done.stderr


@pytest.mark.parametrize("exists", [True, False])
def test_a_name_cannot_drive_the_terminal(tmp_path: Path, nn: Path, exists: bool) -> None:
    path = tmp_path / os.fsdecode("a\x1b]0;title\x07\x1b[31m\u202e\u009b31m\nb.wav".encode() + b"\xff\x9b")
    if exists:
        soundfile.write(os.fsencode(path), sound(2000.0)[:100], RATE_HZ, format="WAV", subtype="FLOAT")
        with soundfile.SoundFile(os.fsencode(path), "r+") as file:
            file.write(np.array([np.nan], np.float32))
    done = analyzer(path, nn)
    said = (done.stdout + done.stderr).decode()
    assert done.returncode == int(not exists)
    assert rb"\x1b]0;title\x07\x1b[31m\u202e\x9b31m\nb.wav".decode() in said
    assert not any(character in said for character in "\x1b\x07\u202e\x9b")


def test_progress_is_a_line_every_few_seconds_where_there_is_no_terminal() -> None:
    lines: list[str] = []
    clock_s = [0.0]
    advance_to = progress_lines("a.flac", 86400.0, write=lines.append, now=lambda: clock_s[0])
    for second in range(12):
        clock_s[0] = float(second)
        advance_to(3600.0 * second)
    assert lines == [
        "a.flac: 5:00:00.000 of 24:00:00.000, 21 %, 3600 times real time",
        "a.flac: 10:00:00.000 of 24:00:00.000, 42 %, 3600 times real time",
    ]
    assert REPORT_S == 5.0


def test_an_unknown_engine_is_wrong_usage(tmp_path: Path, nn: Path) -> None:
    done = analyzer(tmp_path / "sound.wav", nn, "--engine", "onxx")
    assert done.returncode == 2
    assert b"'onxx'" in done.stderr
    assert b"onnx" in done.stderr


def test_a_folder_of_clips_that_cannot_be_written_costs_the_clips_and_nothing_else(tmp_path: Path, nn: Path) -> None:
    soundfile.write(tmp_path / "a.wav", sound(2000.0, 500.0), RATE_HZ)
    (tmp_path / "out").touch()  # a file, so that no folder can be made
    done = analyzer(tmp_path / "a.wav", nn, "--out", str(tmp_path / "out"), "--no-extract-dd", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert [row["class"] for row in report["detections"]] == ["owl", "rain"]
    assert report["sink_errors"] == {"clips": 2}
    assert done.stderr.count(b"clips cannot be written to") + done.stderr.count(b"clip cannot be written to") == 1
    assert b"sink clips failed 2 times; its output is incomplete" in done.stderr
