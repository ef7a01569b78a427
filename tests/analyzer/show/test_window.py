"""The window of `--show`, in which mpv plays a file on a virtual display: it moves, and ends without a trace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
import soundfile
from numpy.typing import NDArray

from analyzer.show.window import window_argv
from tests.support.bundles import write_tone_bundle
from tests.support.eventually import eventually
from tests.support.sound import tone

pytest.importorskip("matplotlib")
pytestmark = pytest.mark.timeout(90)

RATE_HZ = 44100
WIDTH, HEIGHT = 1300, 500


@pytest.fixture
def display(tmp_path: Path) -> Iterator[str]:
    """A virtual display."""
    reading, writing = os.pipe()
    argv = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"]
    log = subprocess.DEVNULL
    with subprocess.Popen(argv, pass_fds=[writing], stdout=log, stderr=log) as server:
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        try:
            yield f":{number}"
        finally:
            server.terminate()


def screen(display: str) -> NDArray[np.uint8]:
    """What is on the display, (HEIGHT, WIDTH, 3)."""
    argv = ["ffmpeg", "-loglevel", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", f"{WIDTH}x{HEIGHT}"]
    output = ["-i", display, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run([*argv, *output], capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(HEIGHT, WIDTH, 3)


@contextmanager
def analyzer(folder: Path, display: str) -> Iterator[subprocess.Popen[str]]:
    """The analysis of a recording of 30 s with --show."""
    write_tone_bundle(folder / "nn", "selector", {"owl": (2000.0,)})
    path = folder / "pond-2026-05-01-06-30-00.wav"
    soundfile.write(path, np.concatenate([tone(), tone(2000.0, amplitude=0.9)] * 15), RATE_HZ)
    argv = [sys.executable, "-m", "analyzer", "--stream", str(path), "--nn", str(folder / "nn"), "--show"]
    environment = {**os.environ, "DISPLAY": display, "LIBGL_ALWAYS_SOFTWARE": "1"}
    output = subprocess.PIPE
    with subprocess.Popen(argv, env=environment, stdout=output, stderr=output, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def players(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return [one for one in psutil.Process(process.pid).children() if one.name() == "mpv"]


def test_the_spectrogram_moves_and_closing_the_window_leaves_the_results(tmp_path: Path, display: str) -> None:
    with analyzer(tmp_path, display) as process:
        eventually(lambda: screen(display).max() > 200, within_s=40)
        first = screen(display)
        eventually(lambda: (screen(display) != first).any(axis=2).mean() > 0.02, within_s=40)
        (player,) = players(process)
        player.terminate()  # as whoever closes the window does
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "owl" in out
    assert "Traceback" not in err


def test_ctrl_c_closes_the_window(tmp_path: Path, display: str) -> None:
    with analyzer(tmp_path, display) as process:
        eventually(lambda: players(process), within_s=40)
        (player,) = players(process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert not player.is_running()
    assert "Traceback" not in err


def test_the_player_takes_the_frames_from_a_pipe_and_the_sound_from_the_file() -> None:
    argv = window_argv(Path("/a b/od:d.wav"), height=480, silent=True)
    assert argv[-1] == "-"
    assert "--audio-file=/a b/od:d.wav" in argv
    assert "--demuxer-rawvideo-h=480" in argv
    assert "--ao=null" in argv
