"""A file, from the command line to the table: what is heard, where, and what happens to files that are none."""

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from analyzer.file_runner import FileOptions, run_file
from analyzer.files.analysis import window_batches
from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import COLUMNS
from analyzer.pipeline import Pipeline
from analyzer.window_schedule import WindowSchedule
from tests.support import hostile
from tests.support.bundles import write_tone_bundle
from tests.support.sound import tone
from tidzam.audio.files import open_audio
from tidzam.config.settings import AnalyzerSettings
from tidzam.config.sinks import CsvSinkSettings
from tidzam.demo.render import write_scene
from tidzam.demo.scene import SILENCE, Truth, read_truth
from tidzam.demo.wetland import wetland
from tidzam.errors import AudioError, TidzamError
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(60)

RATE_HZ = 44100


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"birds": (2000.0, 5000.0), "rain": (500.0,)})
    write_tone_bundle(folder, "birds", {"owl": (2000.0,), "wren": (5000.0,)})
    return folder


def sequence(*tones_hz: float) -> Float32:
    """A second of each tone; of silence for 0."""
    return np.concatenate([tone(*([hz] if hz else []), amplitude=0.9) for hz in tones_hz])


@pytest.fixture
def pond(tmp_path: Path) -> Path:
    """Two channels of 4.75 s, with a date in the name."""
    path = tmp_path / "pond-2026-05-01-06-30-00.wav"
    channels = [sequence(0, 2000, 2000, 0, 500), sequence(5000, 5000, 0, 0, 0)]
    soundfile.write(path, np.stack(channels, axis=1)[: int(4.75 * RATE_HZ)], RATE_HZ)
    return path


def listen(path: Path, nn: Path | None, *, overlap: float = 0.0, csv: Path | None = None, **options: Any) -> int:
    sinks = (CsvSinkSettings(path=csv, replace=True),) if csv else ()
    settings = AnalyzerSettings(nn=nn, overlap=overlap, sinks=sinks)
    return run_file(FileOptions(path=path, settings=settings, node="garden", **options))


def found_in(path: Path, nn: Path | None, capsys: pytest.CaptureFixture[str], **options: Any) -> dict[str, Any]:
    assert listen(path, nn, as_json=True, **options) == 0
    result: dict[str, Any] = json.loads(capsys.readouterr().out)
    return result


def spans(result: dict[str, Any]) -> list[tuple[int, str, float, float]]:
    return [(row["channel"], row["class"], row["start_s"], row["end_s"]) for row in result["detections"]]


def test_detections_of_a_file_with_their_channels_and_times(
    pond: Path, nn: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = found_in(pond, nn, capsys)
    assert spans(result) == [(1, "wren", 0.0, 2.0), (0, "owl", 1.0, 3.0), (0, "rain", 4.0, 4.75)]
    assert (result["duration_s"], result["windows"], result["channels"]) == (4.75, 10, [0, 1])
    first = result["detections"][0]
    assert first["start"] == "2026-05-01T06:30:00+00:00"
    assert first["path"] == "birds > wren"


def test_overlap_finds_edges_better(pond: Path, nn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = found_in(pond, nn, capsys, overlap=0.75)
    assert result["windows"] == 2 * 16  # starts at 0, 0.25 … 3.75 s
    assert result["detections"][0]["windows"] > 2


def test_one_channel_is_as_among_all(pond: Path, nn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    both, one = found_in(pond, nn, capsys), found_in(pond, nn, capsys, channel=1)
    assert one["channels"] == [1]
    assert one["windows"] == 5
    assert one["detections"] == [row for row in both["detections"] if row["channel"] == 1]


def test_the_table_names_the_detections(pond: Path, nn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert listen(pond, nn) == 0
    out, err = capsys.readouterr()
    assert "2 channels at 44100 Hz" in out
    assert "birds > wren" in out
    assert "2026-05-01 06:30:01" in out
    assert err == ""


def test_a_file_without_detections(tmp_path: Path, nn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "quiet.flac", sequence(0, 0), RATE_HZ)
    assert listen(tmp_path / "quiet.flac", nn) == 0
    assert "No detections" in capsys.readouterr().out


def test_a_file_shorter_than_a_window(tmp_path: Path, nn: Path, capsys: pytest.CaptureFixture[str]) -> None:
    soundfile.write(tmp_path / "short.wav", tone(500.0, duration_s=0.9, amplitude=0.9), RATE_HZ)
    assert spans(found_in(tmp_path / "short.wav", nn, capsys)) == [(0, "rain", 0.0, 0.9)]


def test_csv_holds_the_same_rows(pond: Path, nn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "found.csv"
    result = found_in(pond, nn, capsys, csv=path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    expected = [{key: str(value) for key, value in row.items()} for row in result["detections"]]
    assert sorted(rows, key=str) == sorted(expected, key=str)


@pytest.mark.parametrize("target", ["/dev/full", "/nonexistent/found.csv"])
def test_a_csv_file_that_cannot_be_written_ends_the_run(pond: Path, nn: Path, target: str) -> None:
    with pytest.raises(TidzamError, match=f"{target} cannot be written"):
        listen(pond, nn, csv=Path(target))


def test_windows_are_those_of_live_listening(pond: Path, nn: Path) -> None:
    pipeline = Pipeline.load(nn)
    schedule = WindowSchedule.of(RATE_HZ, window_s=pipeline.window_s, overlap=0.5)
    with open_audio(pond) as audio:
        batches = list(window_batches(audio, AnalyzedFile.of(audio, None), schedule))
    whole, _ = soundfile.read(pond, dtype="float32")
    for batch in batches[:-1]:
        assert batch.start_frame == schedule.start_from(batch.start_frame)
        np.testing.assert_array_equal(batch.samples.T, whole[batch.start_frame : batch.start_frame + schedule.window])
    assert batches[0].channels == ("pond:out_0", "pond:out_1")


def test_clips_are_kept(pond: Path, nn: Path, tmp_path: Path) -> None:
    out = tmp_path / "clips"
    argv = ["--nn", str(nn), "--out", str(out), "--extract", "owl", "--no-extract-dd", "--extract-channels", "0"]
    assert CliRunner().invoke(app, ["--stream", str(pond), *argv]).exit_code == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.*")) == [
        "owl/pond-out_0_2026-05-01-06-30-01.000.flac",
        "owl/pond-out_0_2026-05-01-06-30-02.000.flac",
    ]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Truth]:
    sound, truth = write_scene(tmp_path_factory.mktemp("scene"), "unheard", wetland(4243, duration_s=40.0))
    return sound, read_truth(truth)


def test_the_detections_of_the_demo_agree_with_its_truth(
    scene: tuple[Path, Truth], capsys: pytest.CaptureFixture[str]
) -> None:
    path, truth = scene
    rows = found_in(path, None, capsys)["detections"]
    sure = [row for row in rows if row["peak"] > 0.9 and row["class"] != SILENCE]
    right = [row for row in sure if any(agree(row, event.channel, event.path, event) for event in truth.events)]
    clear = [event for event in truth.events if event.snr_db > 10 and event.end_s - event.start_s > 2]
    missed = [e for e in clear if not any(agree(row, e.channel, (e.label,), e) for row in rows)]
    assert len(sure) > 20
    assert len(right) >= 0.9 * len(sure)
    assert len(clear) > 20
    assert len(missed) <= 0.2 * len(clear)


def agree(row: dict[str, Any], channel: int, labels: tuple[str, ...], event: Any) -> bool:
    """Whether a row is about an event: its channel, one of `labels`, and some time in common."""
    together = row["start_s"] < event.end_s and event.start_s < row["end_s"]
    return together and row["channel"] == channel and row["class"] in labels


def test_a_channel_that_is_not_there(pond: Path, nn: Path) -> None:
    with pytest.raises(AudioError, match="2 channels, 0 to 1; there is no channel 2") as caught:
        listen(pond, nn, channel=2)
    assert caught.value.code == "channel"


def test_a_rate_that_is_too_low_is_a_warning_with_the_share_of_the_band(
    tmp_path: Path, nn: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    soundfile.write(tmp_path / "phone.wav", tone(500.0, rate_hz=8000, amplitude=0.9), 8000)
    assert listen(tmp_path / "phone.wav", nn) == 0
    assert "at 8000 Hz, the audio lacks 62 % of the band of classifier selector" in caplog.text
    assert "rain" in capsys.readouterr().out


def test_a_rate_that_is_too_low_is_refused_if_so_wanted(tmp_path: Path, nn: Path) -> None:
    soundfile.write(tmp_path / "phone.wav", tone(500.0, rate_hz=8000), 8000)
    settings = AnalyzerSettings(nn=nn, strict=True)
    with pytest.raises(AudioError) as caught:
        run_file(FileOptions(path=tmp_path / "phone.wav", settings=settings, node="garden"))
    assert caught.value.code == "sample_rate"


def test_a_truncated_file_is_analyzed_to_its_end(
    pond: Path, nn: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    pond.write_bytes(pond.read_bytes()[: int(2.5 * RATE_HZ) * 4])
    assert listen(pond, nn, as_json=True) == 1
    result = json.loads(capsys.readouterr().out)
    assert result["truncated"]
    assert result["duration_s"] == pytest.approx(2.5, abs=0.01)
    assert (1, "wren", 0.0, 2.0) in spans(result)
    assert "is truncated" in caplog.text


def test_a_failure_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("no sound, just text\n")
    argv = [sys.executable, "-m", "analyzer", "--stream", str(tmp_path / "bad.wav")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith("analyzer: ")
    assert "bad.wav" in done.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_names_the_original_options(option: str) -> None:
    shown = CliRunner().invoke(app, [option], env={"COLUMNS": "200"})
    assert shown.exit_code == 0
    for name in (
        "stream",
        "channel",
        "jack",
        "nn",
        "out",
        "extract",
        "extract-dd",
        "show",
        "overlap",
        "chainAPI",
        "port",
    ):
        assert f"--{name} " in shown.output


def test_options_of_files_are_refused_without_one() -> None:
    done = CliRunner().invoke(app, ["--jack", "x", "--json"])
    assert done.exit_code == 2
    assert "require --stream" in done.output


def test_ctrl_c_leaves_complete_rows_and_is_reported(tmp_path: Path, nn: Path) -> None:
    sound, table = tmp_path / "long.wav", tmp_path / "found.csv"
    soundfile.write(sound, sequence(*(100 * [0, 500.0])), RATE_HZ)
    argv = [sys.executable, "-m", "analyzer", "-s", str(sound), "-n", str(nn), "--csv", str(table)]
    process = subprocess.Popen([*argv, "--overlap", "0.98"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not (table.exists() and table.read_text().count("\n") > 1):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "interrupted after" in err
    assert str(table) in err
    assert "Traceback" not in err
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert 1 <= len(rows) < 100
    assert all(row["class"] == "rain" and None not in row.values() for row in rows)
    assert "rain" in out


def test_show_draws_each_detection_and_logs_why_the_file_is_not_played(
    pond: Path, nn: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    assert listen(pond, nn, show=True) == 0
    drawn = capsys.readouterr().err
    assert drawn.count("▀") >= 3 * 32 * 80 * 0.9
    assert "birds > owl" in drawn
    assert "mpv is not installed" in caplog.text


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e30])
def test_a_file_on_which_a_classifier_fails_is_reported_with_exit_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: float
) -> None:
    hostile.write_network(tmp_path / "nn", hostile.wrong_when_loud(value))
    soundfile.write(tmp_path / "loud.wav", tone(440.0), RATE_HZ)
    assert listen(tmp_path / "loud.wav", tmp_path / "nn", as_json=True) == 1
    out, _ = capsys.readouterr()
    report = json.loads(out, parse_constant=pytest.fail)
    assert report["classifier_errors"] == {"selector": report["windows"]}
    assert report["detections"] == []
    assert listen(tmp_path / "loud.wav", tmp_path / "nn") == 1
    assert "classifier selector failed on" in capsys.readouterr().err
