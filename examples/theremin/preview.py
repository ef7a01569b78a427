"""What the player sees: each picture with a green square on the hand, in a window of mpv or in a video file."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np

from examples.theremin.hands import FoundHand, Image, PlayingHands
from tidzam.errors import SetupError

GREEN: Final = (0, 255, 0)
ORANGE: Final = (0, 160, 255)
_END_S: Final = 3.0


def draw(image: Image, hands: PlayingHands, text: str) -> Image:
    """A copy of a picture: the hand for the pitch in a green square, the one for the loudness in orange, and a text."""
    drawn = image.copy()
    for hand, color in ((hands.pitch, GREEN), (hands.loudness, ORANGE)):
        if hand is not None:
            _frame(drawn, hand, color)
    cv2.putText(drawn, text, (12, 32), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (0, 0, 0), 4, cv2.LINE_AA)
    cv2.putText(drawn, text, (12, 32), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2, cv2.LINE_AA)
    return drawn


def _frame(image: Image, hand: FoundHand, color: tuple[int, int, int]) -> None:
    height, width = image.shape[:2]
    top_left = round(hand.left * width), round(hand.top * height)
    bottom_right = round((hand.left + hand.width) * width), round((hand.top + hand.height) * height)
    cv2.rectangle(image, top_left, bottom_right, color, 3)


class Screen(Protocol):
    """Takes pictures, and never keeps the camera waiting."""

    def show(self, image: Image) -> None:
        """Show a picture."""
        ...


class VideoScreen:
    """Writes the pictures to a video file."""

    def __init__(self, path: Path, *, fps: float, width: int, height: int) -> None:
        """Raises SetupError if the file cannot be written."""
        self._writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), fps, (width, height))
        if not self._writer.isOpened():
            raise SetupError(f"{path} cannot be written.", hint="A preview is an .mp4 file in a folder that exists.")

    def show(self, image: Image) -> None:
        """Append a picture."""
        self._writer.write(image)

    def close(self) -> None:
        """Complete the file."""
        self._writer.release()


class WindowScreen:
    """mpv, which takes the pictures from a pipe. A thread writes to it: a picture that it has no time for is lost."""

    def __init__(self, argv: Sequence[str]) -> None:
        try:
            self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except OSError as error:
            raise SetupError(f"mpv cannot be started: {error}.", hint="Run `tidzam install`.") from error
        self._latest: bytes | None = None
        self._changed = threading.Condition()
        self._has_ended = False
        self._thread = threading.Thread(target=self._write, name="window", daemon=True)
        self._thread.start()

    def show(self, image: Image) -> None:
        """Show a picture, unless a newer one comes before the window has taken it."""
        with self._changed:
            self._latest = np.ascontiguousarray(image).tobytes()
            self._changed.notify()

    def close(self) -> None:
        """Close the window."""
        with self._changed:
            self._has_ended = True
            self._changed.notify()
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._thread.join(_END_S)

    def _write(self) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError), self._process.stdin as pipe:  # the player may close the window
            while (frame := self._next()) is not None:
                pipe.write(frame)

    def _next(self) -> bytes | None:
        with self._changed:
            self._changed.wait_for(lambda: self._latest is not None or self._has_ended)
            frame, self._latest = self._latest, None
            return None if self._has_ended else frame


def window_argv(
    *, width: int, height: int, fps: float, output: Sequence[str] = ("--vo=gpu", "--gpu-sw=yes")
) -> list[str]:
    """The command that shows the frames from its standard input without delay."""
    frames = {"w": str(width), "h": str(height), "mp-format": "bgr24", "fps": f"{fps:g}"}
    return [
        *("mpv", "--no-config", "--really-quiet", "--no-terminal", "--title=Theremin", "--demuxer=rawvideo"),
        *(f"--demuxer-rawvideo-{name}={value}" for name, value in frames.items()),
        *("--profile=low-latency", "--untimed", "--no-audio", *output, "-"),
    ]


@contextmanager
def screens(*, window: bool, file: Path | None, size: tuple[int, int], fps: float) -> Iterator[Sequence[Screen]]:
    """The screens that the player asked for, closed when the context is left. Raises SetupError."""
    found: list[Screen] = []
    width, height = size
    with ExitStack() as stack:
        if window:
            found.append(on_window := WindowScreen(window_argv(width=width, height=height, fps=fps)))
            stack.callback(on_window.close)
        if file is not None:
            found.append(in_file := VideoScreen(file, fps=fps, width=width, height=height))
            stack.callback(in_file.close)
        yield found
