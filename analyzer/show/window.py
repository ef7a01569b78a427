"""A window in which a file is played, with its spectrogram moving along, while it is analyzed."""

from __future__ import annotations

import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from analyzer.files.recording import AnalyzedFile
from analyzer.files.report import FileDetection
from analyzer.show.frames import WIDTH, FrameDrawer
from tidzam.audio.devices import has_audio_device
from tidzam.audio.files import open_audio
from tidzam.errors import TidzamError
from tidzam.results import AnalyzedBatch
from tidzam.text import shown

log = logging.getLogger(__name__)

MAX_CHANNELS: Final = 16
FRAMES_PER_S: Final = 16
_END_S: Final = 3.0


class SpectrogramWindow:
    """mpv, which plays the file and takes the frames of the picture from a pipe, so that both advance together.

    A thread reads the file once more and draws the frames; `add` gives it the detections as they are found. Whoever
    closes the window ends the thread, too. Leaving the context closes the window.
    """

    def __init__(self, path: Path, recording: AnalyzedFile, *, silent: bool) -> None:
        self._path, self._recording, self._silent = path, recording, silent
        self._found: dict[str, FileDetection] = {}
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._draw, name="spectrogram window", daemon=True)

    def __enter__(self) -> Self:
        """Open the window. Raises SetupError if Matplotlib is missing, OSError if mpv cannot be started."""
        height = FrameDrawer(self._recording, iter(())).layout.height
        argv = window_argv(self._path, height=height, silent=self._silent)
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        self._thread.start()
        return self

    def add(self, analyzed: AnalyzedBatch) -> None:
        """Take the detections of a batch, also those that have not ended yet."""
        for change in analyzed.detections:
            with self._mutex:
                self._found[change.detection.id] = FileDetection.of(change.detection, self._recording)

    @property
    def is_open(self) -> bool:
        """Whether the file is still played, and nobody has closed the window."""
        return self._process is not None and self._process.poll() is None

    def wait(self, stopped: threading.Event) -> None:
        """Wait until the file was played or the window is closed, or until `stopped`."""
        while self.is_open and not stopped.wait(0.1):
            pass

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(_END_S)

    def _draw(self) -> None:
        """The thread: draw frame after frame, as fast as mpv takes them."""
        assert self._process is not None
        pipe = self._process.stdin
        assert pipe is not None
        with suppress(BrokenPipeError), pipe:  # the window was closed
            try:
                for frame in self._frames():
                    pipe.write(frame)
            except TidzamError as error:
                log.warning("the window is closed: %s", error)

    def _frames(self) -> Iterator[bytes]:
        with open_audio(self._path) as audio:
            numbers = list(self._recording.names.values())
            drawer = FrameDrawer(self._recording, (block[:, numbers] for block in audio.blocks()))
            duration_s = audio.expected_s or float("inf")
            number = 0
            while number / FRAMES_PER_S < duration_s and not drawer.has_passed(number / FRAMES_PER_S):
                with self._mutex:
                    found: Sequence[FileDetection] = tuple(self._found.values())
                yield drawer.frame(number / FRAMES_PER_S, found)
                number += 1


def window_argv(path: Path, *, height: int, silent: bool) -> Sequence[str]:
    """The command that plays a file, with the frames from its standard input as the picture."""
    frames = {"w": str(WIDTH), "h": str(height), "mp-format": "rgb24", "fps": str(FRAMES_PER_S)}
    return (
        *("mpv", "--no-config", "--really-quiet", "--no-terminal", f"--title={path.name}", "--demuxer=rawvideo"),
        *(f"--demuxer-rawvideo-{name}={value}" for name, value in frames.items()),
        *("--vo=gpu", "--gpu-sw=yes", "--demuxer-max-bytes=8MiB", "--autofit-larger=100%x95%"),
        *(["--ao=null"] if silent else []),
        *(f"--audio-file={path.absolute()}", "--aid=1", "-"),
    )


@contextmanager
def spectrogram_window(path: Path, recording: AnalyzedFile) -> Iterator[SpectrogramWindow | None]:
    """A window for a file, or None, and the reason in the log, if there can be none.

    Where there is no audio device, the file is played in silence.
    """
    window = _window(path, recording)
    if window is None:
        yield None
        return
    try:
        window.__enter__()
    except (TidzamError, OSError) as error:
        log.warning("there is no window: %s", error)
        yield None
        return
    try:
        yield window
    finally:
        window.__exit__()


def _window(path: Path, recording: AnalyzedFile) -> SpectrogramWindow | None:
    if shutil.which("mpv") is None:
        log.warning("there is no window: mpv is not installed. Run `tidzam install`")
        return None
    if len(recording.names) > MAX_CHANNELS:
        log.warning("there is no window: it shows at most %d channels. Choose one with -c", MAX_CHANNELS)
        return None
    silent = not has_audio_device()
    if silent:
        log.warning("%s is shown without sound: this machine has no audio device", shown(path))
    return SpectrogramWindow(path, recording, silent=silent)
