"""Archives from the command line: several files, in processes, resumable."""

from __future__ import annotations

import csv
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from analyzer.__main__ import app
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.packages import write_package
from tests.support.recorder_files import chunk, info_list, wav_bytes
from tests.support.sound import tone
from tidzam.errors import TidzamError
from tidzam.types import Float32

pytestmark = pytest.mark.timeout(120)

RATE_HZ = 44100


@pytest.fixture(scope="module")
def nn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nn")
    write_tone_bundle(folder, "selector", {"owl": (2000.0,), "rain": (500.0,)})
    return folder


def sound(*tones_hz: float) -> Float32:
    """A second of each tone; of silence for 0."""
    return np.concatenate([tone(*([hz] if hz else []), amplitude=0.9) for hz in tones_hz])


def argv(nn: Path, *words: object) -> list[str | bytes]:
    return [sys.executable, "-m", "analyzer", "--nn", str(nn), *(os.fsencode(str(word)) for word in words)]


def analyzer(nn: Path, *words: object, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The finished command."""
    return subprocess.run(
        argv(nn, *words),
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
        timeout=100,
        env={**os.environ, **(env or {})},
    )


def messages(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What was said on stderr, without the lines of progress of a slow machine."""
    return [line for line in done.stderr.splitlines() if not line.endswith("times real time")]


@contextmanager
def started(nn: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
    """The command while it runs; it is killed at the end."""
    process = subprocess.Popen(argv(nn, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def found(table: Path) -> list[tuple[str, str, float, float]]:
    return [
        (Path(row["file"]).name, row["class"], float(row["start_s"]), float(row["end_s"])) for row in rows_of(table)
    ]


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites with recordings of 1 to 3 channels, as WAV, FLAC and WavPack."""
    folder = tmp_path_factory.mktemp("archive")
    for site in ("a", "b"):
        (folder / site).mkdir()
        soundfile.write(folder / site / "20260501_063000.WAV", sound(0, 2000, 0), RATE_HZ)
    channels = np.stack([sound(500, 500, 0), sound(0, 2000, 2000), sound(0, 0, 0)], axis=1)
    soundfile.write(folder / "pond-2026-05-01-06-30-00.flac", channels, RATE_HZ)
    soundfile.write(folder / "undated.wav", tone(2000.0, rate_hz=48000, amplitude=0.9), 48000)
    argv = ["ffmpeg", "-v", "error", "-i", str(folder / "undated.wav"), str(folder / "undated.wv")]
    subprocess.run(argv, check=True, stdin=subprocess.DEVNULL)
    (folder / "undated.wav").unlink()
    return folder


EXPECTED = [
    ("20260501_063000.WAV", "owl", 1.0, 2.0),
    ("20260501_063000.WAV", "owl", 1.0, 2.0),
    ("pond-2026-05-01-06-30-00.flac", "rain", 0.0, 2.0),
    ("pond-2026-05-01-06-30-00.flac", "owl", 1.0, 3.0),
    ("undated.wv", "owl", 0.0, 1.0),
]


@pytest.fixture(scope="module")
def results(archive: Path, nn: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The results of the archive in each format that needs no package, and its clips."""
    out = tmp_path_factory.mktemp("results")
    paths = {name: out / f"found.{name}" for name in ("csv", "jsonl", "raven", "audacity")}
    targets = [word for name, path in paths.items() for word in ("--results", f"{name}:{path}")]
    clips = ("--out", out / "clips", "--extract", "owl", "--no-extract-dd")
    done = analyzer(nn, "--stream", archive, *targets, *clips, "--time-zone", "America/New_York")
    assert (done.returncode, messages(done)) == (0, [])
    (out / "summary.txt").write_text(done.stdout)
    return {**paths, "clips": out / "clips", "summary": out / "summary.txt"}


def test_the_files_of_a_folder_are_analyzed_in_order(results: Mapping[str, Path]) -> None:
    assert found(results["csv"]) == EXPECTED


def test_all_formats_hold_the_same(results: Mapping[str, Path]) -> None:
    lines = [json.loads(line) for line in results["jsonl"].read_text().splitlines()]
    assert [(row["class"], row["start_s"], row["end_s"]) for row in lines] == [row[1:] for row in EXPECTED]
    assert (results["audacity"] / "a/20260501_063000.txt").read_text() == "1.000000\t2.000000\towl\n"
    tables = sorted(path.relative_to(results["raven"]).as_posix() for path in results["raven"].rglob("*.txt"))
    assert tables == [
        "a/20260501_063000.Table.1.selections.txt",
        "b/20260501_063000.Table.1.selections.txt",
        "pond-2026-05-01-06-30-00.Table.1.selections.txt",
        "undated.Table.1.selections.txt",
    ]


def test_times_without_a_zone_are_in_the_given_one(results: Mapping[str, Path]) -> None:
    starts = [row["start"] for row in rows_of(results["csv"])]
    assert starts[0] == "2026-05-01T10:30:01+00:00"
    assert starts[-1] == ""


def test_clips_of_sites_with_the_same_file_names_are_kept_apart(results: Mapping[str, Path]) -> None:
    names = sorted(path.name for path in (results["clips"] / "owl").iterdir())
    assert names == [
        "a-out_0_2026-05-01-10-30-01.000.flac",
        "b-out_0_2026-05-01-10-30-01.000.flac",
        "pond-out_1_2026-05-01-10-30-01.000.flac",
        "pond-out_1_2026-05-01-10-30-02.000.flac",
        "undated-out_0_1970-01-01-00-00-00.000.flac",
    ]


def test_the_summary_counts_files_and_detections(results: Mapping[str, Path]) -> None:
    text = results["summary"].read_text()
    assert "4 files analyzed, 0:00:10.000 of audio, 1 file without a date, 5 detections." in text
    assert [line.split() for line in text.splitlines()[2:]] == [
        ["owl", "4", "0:00:05.000", "4"],
        ["rain", "1", "0:00:02.000", "1"],
    ]


def test_a_finished_run_leaves_no_journal(results: Mapping[str, Path]) -> None:
    assert not list(results["csv"].parent.glob("*journal*"))


def test_one_process_and_a_glob_give_the_same(
    archive: Path, nn: Path, results: Mapping[str, Path], tmp_path: Path
) -> None:
    options = ("--jobs", "1", "--time-zone", "America/New_York", "--csv", tmp_path / "found.csv")
    done = analyzer(nn, "--stream", f"{archive}/**/*.*", *options)
    assert done.returncode == 0
    assert (tmp_path / "found.csv").read_bytes() == results["csv"].read_bytes()


def test_json_is_a_line_per_file_also_of_those_that_failed(archive: Path, nn: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_text("text\n")
    done = analyzer(
        nn,
        "--json",
        "--channel",
        "1",
        "--stream",
        archive / "pond-2026-05-01-06-30-00.flac",
        tmp_path / "bad.wav",
        archive / "undated.wv",
    )
    assert done.returncode == 1
    good, bad, mono = (json.loads(line) for line in done.stdout.splitlines())
    assert (good["channels"], good["start"], good["truncated"]) == ([1], "2026-05-01T06:30:00+00:00", False)
    assert [row["class"] for row in good["detections"]] == ["owl"]
    assert (bad["file"], bad["error"]["code"]) == (str(tmp_path / "bad.wav"), "audio_format")
    assert mono["error"]["code"] == "channel"


def test_bad_files_cost_a_line_each_and_the_others_continue(nn: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    comment = info_list({b"IART": b"AudioMoth", b"ICMT": b"Recorded at 06:30:00 01/05/2026 (UTC-5) by AudioMoth x"})
    pcm = (sound(2000) * 32767).astype("<i2").tobytes()
    soundfile.write(folder / "cut.flac", sound(2000, 500, 2000, 500), RATE_HZ)
    (folder / "cut.flac").write_bytes((folder / "cut.flac").read_bytes()[: (folder / "cut.flac").stat().st_size // 2])
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "five.wav", np.tile(sound(2000)[:, None], 5), RATE_HZ)
    (folder / "moth.WAV").write_bytes(wav_bytes(pcm, before=[chunk(b"LIST", comment)], rate_hz=RATE_HZ))
    soundfile.write(folder / "really_flac.mp3", sound(2000), RATE_HZ, format="FLAC")
    soundfile.write(folder / "short.wav", sound(2000)[: RATE_HZ * 3 // 1000], RATE_HZ)
    (folder / "text.wav").write_text("no sound\n" * 100)
    soundfile.write(folder / "zero.wav", np.zeros(0, np.float32), RATE_HZ)
    done = analyzer(nn, "--stream", folder, "--csv", tmp_path / "found.csv", "--jobs", "2")
    assert done.returncode == 1
    names = [name for name, *_ in found(tmp_path / "found.csv")]
    assert list(dict.fromkeys(names)) == ["cut.flac", "five.wav", "moth.WAV", "really_flac.mp3"]
    assert [row["start"] for row in rows_of(tmp_path / "found.csv") if "moth" in row["file"]] == [
        "2026-05-01T11:30:00+00:00"
    ]
    lines = messages(done)
    for name in ("cut.flac", "empty.wav", "text.wav", "zero.wav"):
        assert len([line for line in lines if name in line]) == 1, (name, lines)
    assert len(lines) == 5, lines
    assert "3 files of 8 could not be analyzed" in lines[-1]


def test_clips_that_cannot_be_written_do_not_stop_the_analysis(archive: Path, nn: Path, tmp_path: Path) -> None:
    words = ("--out", "/proc/clips", "--no-extract-dd", "--csv", tmp_path / "found.csv")
    done = analyzer(nn, "--stream", archive / "a", archive / "b", *words)
    assert done.returncode == 1
    assert found(tmp_path / "found.csv") == EXPECTED[:2]
    assert done.stderr.count("the output clips failed") == 2
    assert "the clips of 2 files are incomplete; " in done.stderr


CRASH = """
import os
def crash(probabilities, *others, **more):
    if probabilities["rain"] > 0.5:
        os.kill(os.getpid(), 9)
    return tuple(label for label, value in probabilities.items() if value > 0.5) or ("unknown",)
"""


def test_a_file_that_kills_its_process_costs_no_other(nn: Path, tmp_path: Path) -> None:
    packages, folder = tmp_path / "packages", tmp_path / "in"
    packages.mkdir()
    folder.mkdir()
    write_package(packages, "crashing_rule", CRASH, "tidzam.decision_rules", "crash = crashing_rule:crash")
    (tmp_path / "profile.yaml").write_text("analyzer: {decision: crash}\n")
    for number in range(6):
        soundfile.write(folder / f"{number}.wav", sound(500 if number == 2 else 2000), RATE_HZ)
    words = ("--stream", folder, "--csv", tmp_path / "found.csv", "--profile", tmp_path / "profile.yaml", "--jobs", "2")
    done = analyzer(nn, *words, env={"PYTHONPATH": str(packages)})
    assert done.returncode == 1
    assert [name for name, *_ in found(tmp_path / "found.csv")] == ["0.wav", "1.wav", "3.wav", "4.wav", "5.wav"]
    assert "2.wav: the process that analyzed it was killed twice" in done.stderr


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """Eight files of 40 s each."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(8):
        soundfile.write(folder / f"{number}.wav", sound(*(20 * [0, 2000])), RATE_HZ)
    return folder


def finished_in(journal: Path) -> list[str]:
    """The files in a journal; its writer must have ended."""
    with closing(sqlite3.connect(journal)) as database:
        return sorted(
            Path(json.loads(f'"{path[1:-1]}"')).name for (path,) in database.execute("SELECT path FROM files")
        )


def slowly(folder: Path, table: Path) -> Sequence[object]:
    return ("--stream", folder, "--csv", table, "--jobs", "1", "--overlap", "0.97")


def begun(table: Path) -> bool:
    """Whether a file is in the journal: an empty one has 21 kB."""
    log = table.with_name(f"{table.name}.journal-wal")
    return log.exists() and log.stat().st_size > 30_000


def test_a_killed_run_repeats_no_finished_file(nn: Path, long: Path, tmp_path: Path) -> None:
    table = tmp_path / "found.csv"
    with started(nn, *slowly(long, table)) as process:
        eventually(lambda: begun(table) or process.poll() is not None, within_s=60)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert not table.exists()
    finished = finished_in(tmp_path / "found.csv.journal")
    assert 1 <= len(finished) < 8
    for name in finished:  # were they read again, they would fail
        status = (long / name).stat()
        (long / name).write_bytes(b"\0" * status.st_size)
        os.utime(long / name, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = analyzer(nn, *slowly(long, table))
    assert done.returncode == 0
    assert f"of 8 analyzed before ({tmp_path / 'found.csv.journal'})" in done.stderr
    per_file = [row["file"] for row in rows_of(table)]
    assert [per_file.count(str(long / f"{number}.wav")) for number in range(8)] == [20] * 8
    assert not (tmp_path / "found.csv.journal").exists()


def test_ctrl_c_writes_the_finished_files(nn: Path, long: Path, tmp_path: Path) -> None:
    table = tmp_path / "found.csv"
    with started(nn, *slowly(long, table)) as process:
        eventually(lambda: begun(table) or process.poll() is not None, within_s=60)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    names = [row["file"] for row in rows_of(table)]
    assert names
    assert {names.count(name) for name in names} == {20}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a.wav", "Files follow --stream"),
        ("--jack x --results a.csv", "require --stream"),
        ("--stream a.wav --scheduler tcp://x:1 --jobs 2", "--jobs is for this machine"),
        ("--stream a.wav --name-pattern %Y", "a pattern needs"),
        ("--stream a.wav --time-zone Mars", "is not a time zone"),
    ],
)
def test_wrong_usage(words: str, says: str) -> None:
    done = CliRunner().invoke(app, words.split(), env={"COLUMNS": "300"})
    assert done.exit_code == 2
    assert says in done.output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--stream MISSING/*.wav", "No file matches"),
        ("--stream a.wav b.wav --results a.xls", "The format of the results"),
        ("--stream a.wav b.wav --csv /nonexistent/a.csv", "cannot be written"),
    ],
)
def test_what_is_wrong_is_found_before_the_analysis(words: str, says: str) -> None:
    done = CliRunner().invoke(app, words.split())
    assert isinstance(done.exception, TidzamError)
    assert says in str(done.exception)
