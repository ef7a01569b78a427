"""Pictures of a camera or a video, as they arrive, and what the player sees of them."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from examples.theremin.demo_video import HEIGHT, WIDTH, app, picture, write_video
from examples.theremin.hands import FoundHand, PlayingHands
from examples.theremin.preview import GREEN, VideoScreen, WindowScreen, draw, screens, window_argv
from examples.theremin.video import PictureSource
from tests.support.eventually import eventually
from tidzam.errors import SetupError, SourceError


class Clock:
    """A clock that moves on by some seconds each time that it is read."""

    def __init__(self, step_s: float) -> None:
        self._step_s, self._now_s = step_s, 1000.0

    def __call__(self) -> float:
        self._now_s += self._step_s
        return self._now_s


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    areas = [0.05 + 0.01 * number for number in range(10)]
    return write_video(tmp_path_factory.mktemp("video") / "hand.avi", map(picture, areas), fps=200)


def test_a_video_gives_all_of_its_pictures_in_order_and_at_its_pace(video: Path) -> None:
    with PictureSource(str(video)) as source:
        pictures = list(source.pictures())
    assert len(pictures) + source.skipped == 10
    began_s = pictures[0].due_s - pictures[0].number / 200
    assert [one.due_s - began_s for one in pictures] == pytest.approx([one.number / 200 for one in pictures], abs=1e-5)
    assert source.fault == ""


def test_pictures_of_a_file_that_come_too_late_are_skipped(video: Path) -> None:
    with PictureSource(str(video)) as source:
        seen = [one.number for one in source.pictures(clock=Clock(0.006))]
    assert source.skipped > 0
    assert len(seen) + source.skipped == 10


def test_a_mirror_exchanges_left_and_right(tmp_path: Path) -> None:
    path = write_video(tmp_path / "left.avi", [picture(0.1, (0.2, 0.5))], fps=200)
    with PictureSource(str(path), mirror=True) as source:
        (one,) = source.pictures()
    image = one.image.astype(int)
    assert image[:, WIDTH // 2 :, 2].sum() > 1.2 * image[:, : WIDTH // 2, 2].sum()


def test_a_video_that_is_cut_off_is_a_fault(video: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.avi"
    cut.write_bytes(video.read_bytes()[: video.stat().st_size // 2])
    with PictureSource(str(cut)) as source:
        seen = len(list(source.pictures()))
    assert 0 < seen < 10


def test_a_camera_that_is_lost_is_a_fault(video: Path, tmp_path: Path) -> None:
    stream = tmp_path / "hand.ts"
    argv = ["ffmpeg", "-v", "error", "-i", str(video), "-c:v", "mpeg2video", "-f", "mpegts", str(stream)]
    subprocess.run(argv, check=True)
    pipe = tmp_path / "camera"
    os.mkfifo(pipe)
    writing = threading.Thread(target=lambda: pipe.write_bytes(stream.read_bytes()), daemon=True)
    writing.start()
    with PictureSource(str(pipe)) as source:
        seen = len(list(source.pictures()))
    writing.join()
    assert source.fault == f"the camera was lost after {seen} pictures"


@pytest.mark.parametrize("name", ["none.avi", "text.avi"])
def test_what_cannot_be_opened_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "text.avi").write_text("no video")
    with pytest.raises(SourceError, match=name):
        PictureSource(str(tmp_path / name))


def test_a_green_square_is_drawn_on_the_hand_and_the_picture_is_kept() -> None:
    image = picture(None)
    before = image.copy()
    drawn = draw(image, PlayingHands(FoundHand(0.25, 0.25, 0.5, 0.5, 0.1)), "A4")
    assert tuple(drawn[HEIGHT // 4, WIDTH // 2]) == GREEN
    assert tuple(drawn[HEIGHT // 2, WIDTH // 4 * 3]) == GREEN
    assert np.array_equal(image, before)


def test_a_preview_is_a_video(tmp_path: Path) -> None:
    path = tmp_path / "preview.mp4"
    with screens(window=False, file=path, size=(WIDTH, HEIGHT), fps=30) as (screen,):
        assert isinstance(screen, VideoScreen)
        for _ in range(5):
            screen.show(picture(0.1))
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    capture.release()


COUNTER = """
import sys
size = int(sys.argv[1])
number = 0
while len(sys.stdin.buffer.read(size)) == size:
    number += 1
    print(number, flush=True)
"""


@pytest.fixture
def window(tmp_path: Path) -> Iterator[tuple[WindowScreen, Path]]:
    """A program in place of mpv, which counts the pictures that it is given."""
    log = tmp_path / "log"
    screen = WindowScreen(["sh", "-c", f"exec {sys.executable} -c '{COUNTER}' {WIDTH * HEIGHT * 3} > {log}"])
    yield screen, log
    screen.close()


def test_a_window_gets_the_latest_picture(window: tuple[WindowScreen, Path]) -> None:
    screen, log = window
    for number in (1, 2, 3):
        screen.show(picture(0.1))
        eventually(lambda number=number: log.read_text().split()[-1:] == [str(number)])  # type: ignore[misc]


def test_a_window_that_was_closed_disturbs_nobody(window: tuple[WindowScreen, Path]) -> None:
    screen, _ = window
    screen.close()
    for _ in range(3):
        screen.show(picture(0.1))


def test_mpv_shows_the_pictures_of_a_pipe() -> None:
    argv = window_argv(width=WIDTH, height=HEIGHT, fps=30, output=["--vo=null"])
    shown = subprocess.run(argv, input=picture(0.1).tobytes() * 3, capture_output=True, timeout=30)
    assert shown.returncode == 0, shown.stderr


def test_the_demo_video_explains_itself_and_refuses_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    shown = CliRunner().invoke(app, ["-h"])
    assert (shown.exit_code, "video to write" in shown.output) == (0, True)
    refused = CliRunner().invoke(app, [str(tmp_path / "none" / "demo.avi")])
    assert isinstance(refused.exception, SetupError)
