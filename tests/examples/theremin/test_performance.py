"""Whole performances on a real JACK server, with videos in place of a camera."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import numpy as np
import pytest
import soundfile
from aiosmtpd.controller import Controller
from typer.testing import CliRunner

from examples.theremin.__main__ import app
from examples.theremin.demo_video import areas_of, picture, write_video
from examples.theremin.melody import read_melody
from examples.theremin.notes import DEFAULT_RANGE
from examples.theremin.pitch import HOP_S, pitch_curve
from examples.theremin.scoring import STEP, align
from tests.examples.theremin.test_mail import Inbox, environment
from tests.support.eventually import eventually
from tests.support.jack import JackServer, jack_server
from tests.support.ports import free_port
from tidzam.errors import ConfigError, TidzamError

pytestmark = pytest.mark.timeout(90)
ROOT = Path(__file__).parents[3]
SONG = "title Short\ntempo 120\ncount-in 1\nG3:1 E4:1 C5:1.5 G3:1\n"
OUTPUTS = {"recording.wav", "notes.pdf", "notes.csv", "score.json", "hand.csv"}


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server(rate_hz=48000, period=256, port_max=128) as server:
        yield server


@contextmanager
def playing(
    server: JackServer | None, *options: str, smtp: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A theremin, on `server` or on one of its own."""
    argv = [sys.executable, "-m", "examples.theremin", *options, *(["--jack", server.name] if server else [])]
    env = {**os.environ, **(smtp or {})}
    process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def result(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How it ended, and what it said."""
    out, said = process.communicate(timeout=60)
    return process.returncode, out + said


def hand(length_s: float) -> list[float]:
    """The areas of a hand that comes nearer and goes away again."""
    time_s = np.arange(round(length_s * 30)) / 30
    return [float(area) for area in 0.03 * 8 ** (0.5 - 0.5 * np.cos(2 * np.pi * time_s / 2.5))]


def pictures_in(log: Path) -> int:
    return len(log.read_text().splitlines()) - 1 if log.exists() else 0


def assert_complete(folder: Path) -> None:
    """All outputs are there, and the recording has a tone."""
    assert {path.name for path in folder.iterdir()} - {"mail.eml"} == OUTPUTS
    samples, rate_hz = soundfile.read(folder / "recording.wav", dtype="float32", always_2d=True)
    assert not np.isnan(pitch_curve(samples[:, 0], rate_hz).notes).all()
    assert (folder / "notes.pdf").read_bytes().startswith(b"%PDF")


def heard_and_wanted(folder: Path, areas: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """The pitch of the recording and that of the areas, aligned, since a busy machine skips pictures and cycles."""
    samples, rate_hz = soundfile.read(folder / "recording.wav", dtype="float32", always_2d=True)
    curve = pitch_curve(samples[:, 0], rate_hz).notes
    heard = curve[np.flatnonzero(~np.isnan(curve))[0] :][::STEP]
    times_s = np.arange(0, len(areas) / 30, STEP * HOP_S)
    wanted = np.array([DEFAULT_RANGE.note_of_area(areas[int(time_s * 30)]) for time_s in times_s])
    path = align(wanted, heard)
    return heard[path[:, 1]], wanted[path[:, 0]]


@dataclass(frozen=True)
class SongPlayed:
    """A performance with a song: the areas of the hand while it plays, the output, and the mail that was sent."""

    folder: Path
    areas: list[float]
    code: int
    said: str
    messages: list[EmailMessage]


@pytest.fixture(scope="module")
def played(jack: JackServer, tmp_path_factory: pytest.TempPathFactory) -> SongPlayed:
    folder = tmp_path_factory.mktemp("song")
    (folder / "song.txt").write_text(SONG)
    areas = areas_of(read_melody(folder / "song.txt"))
    video = write_video(folder / "hand.avi", map(picture, areas))
    kept, port = Inbox(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    options = [f"--video={video}", f"--song={folder / 'song.txt'}", f"--out={folder / 'out'}"]
    more = [f"--preview={folder / 'preview.mp4'}", "--microphone", "--mail=player@example.org"]
    try:
        with playing(jack, *options, *more, smtp=environment(port)) as process:
            code, said = result(process)
    finally:
        controller.stop()
    return SongPlayed(folder, [area for area in areas if area is not None], code, said, kept.messages)


def test_the_recorded_pitch_follows_the_area(played: SongPlayed) -> None:
    assert played.code == 0, played.said
    heard, wanted = heard_and_wanted(played.folder / "out", played.areas)
    assert np.ptp(heard[~np.isnan(heard)]) > 16
    assert np.nanmedian(np.abs(heard - wanted)) < 0.25
    assert np.mean(np.abs(heard - wanted) < 1.0) > 0.9


def test_a_song_is_played_scored_and_mailed(played: SongPlayed) -> None:
    out = played.folder / "out"
    assert_complete(out)
    figures = json.loads((out / "score.json").read_text())
    assert figures["points"] > 60
    assert [note["note"] for note in figures["notes_of_song"]] == ["G3", "E4", "C5", "G3"]
    (received,) = played.messages
    assert received["Subject"] == f"Theremin: Short: {figures['points']:.0f} of 100"
    assert [part.get_filename() for part in received.iter_attachments()] == ["notes.pdf"]
    assert (played.folder / "preview.mp4").stat().st_size > 10_000
    assert soundfile.info(out / "recording.wav").channels == 3


def test_ctrl_c_ends_it_with_all_outputs_and_leaves_nothing(tmp_path: Path) -> None:
    video = write_video(tmp_path / "hand.avi", map(picture, hand(2.5)[::6] * 12), fps=5)
    out = tmp_path / "out"
    with playing(None, f"--video={video}", "--no-song", f"--out={out}") as process:
        eventually(lambda: pictures_in(out / "hand.csv") > 8, within_s=40)
        process.send_signal(signal.SIGINT)
        code, said = result(process)
    assert code == 0, said
    assert "Ended: stopped." in said
    assert_complete(out)
    assert not list(Path("/dev/shm").glob(f"jack_theremin-{process.pid}_*"))


def test_a_camera_that_is_lost_ends_it_with_all_outputs(jack: JackServer, tmp_path: Path) -> None:
    video = write_video(tmp_path / "hand.avi", map(picture, hand(2.5)))
    pipe, out = tmp_path / "camera", tmp_path / "out"
    os.mkfifo(pipe)
    argv = ["ffmpeg", "-v", "error", "-y", "-re", "-i", str(video), "-c:v", "mpeg2video", "-q:v", "3", "-f", "mpegts"]
    with subprocess.Popen([*argv, str(pipe)]) as camera, playing(jack, f"--camera={pipe}", f"--out={out}") as process:
        code, said = result(process)
        camera.terminate()
    assert code == 3, said
    assert "Ended: the camera was lost after" in said
    assert_complete(out)
    with (out / "hand.csv").open() as log:
        assert all(float(row["area"]) > 0 for row in csv.DictReader(log))


def test_a_jack_server_that_ends_leaves_what_was_recorded(tmp_path: Path) -> None:
    video = write_video(tmp_path / "hand.avi", map(picture, hand(2.5)[::6] * 12), fps=5)
    out = tmp_path / "out"
    options = (f"--video={video}", "--no-song", f"--out={out}")
    with jack_server(rate_hz=48000, period=256, port_max=64) as own, playing(own, *options) as process:
        eventually(lambda: pictures_in(out / "hand.csv") > 8, within_s=40)
        own.kill()
        code, said = result(process)
    assert code == 3, said
    assert_complete(out)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--jack=no-such-server", "--camera=/dev/null"], "No JACK server named"),
        (["--video=none.avi"], "none.avi does not exist"),
        (["--song=none.txt"], "none.txt cannot be read"),
        (["--areas=5"], "expected two numbers"),
        (["--lowest=C6"], "lowest note"),
        (["--lowest=C2"], "too low"),
        (["--mail=a@example.org"], "THEREMIN_SMTP_HOST"),
        (["--mail=nobody", "--dry-run"], "not an address"),
        (["--recording=none.wav"], "none.wav"),
        (["--camera=none"], "none cannot be opened as a camera"),
        ([f"--video={__file__}"], "cannot be opened as a camera"),
        (["--dry-run"], "Add --mail"),
    ],
)
def test_what_cannot_begin_says_why(options: list[str], says: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, [*options, f"--out={tmp_path / 'out'}"])
    assert isinstance(ended.exception, TidzamError)
    assert says in str(ended.exception)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [[], ["--recording=none.wav"]])
def test_a_folder_that_cannot_be_used_is_refused(options: list[str], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    ended = CliRunner().invoke(app, [*options, f"--out={tmp_path / 'out'}"])
    assert isinstance(ended.exception, ConfigError)
    assert "out cannot be used" in str(ended.exception)


def test_a_camera_that_shows_nothing_is_an_error_and_leaves_nothing(jack: JackServer, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with playing(jack, "--camera=/dev/null", "--no-song", f"--out={out}") as process:
        code, said = result(process)
    assert code == 1
    assert "cannot be opened as a camera" in said
    assert not out.exists()
