"""Direct recorders of tests: their options, and a source that a test plays."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from stream_manager.direct.options import DirectSource
from stream_manager.direct.pipe_input import PipeInput
from tests.stream_manager.recorder.harness import recorder_options
from tidzam.types import Float32

RATE_HZ = 8000


def ramp(frames: int, channels: int = 1, *, first: int = 0) -> Float32:
    """Samples that show their frame and their channel, exact in 16 bits, and never silent."""
    numbers = np.arange(first, first + frames)[:, None] + 1000 * np.arange(channels)
    return ((numbers % 30000 + 1) / (1 << 15)).astype(np.float32)


def sound_file(folder: Path, samples: Float32) -> Path:
    path = folder / "played.flac"
    soundfile.write(path, samples, RATE_HZ)
    return path


def direct_source(folder: Path, address: str, **changes: Any) -> DirectSource:
    """A source `pond` that is recorded in `folder`, in files of a second."""
    record = recorder_options(folder, 0, format="flac", length_s=1)
    return DirectSource(**{"kind": "file", "address": address, "record": record, "loop": True, **changes})


def recorded(files: Sequence[Path]) -> Float32:
    """The samples of files that follow one another, shape (frames,)."""
    return np.concatenate([soundfile.read(path, dtype="float32")[0] for path in sorted(files)])


class PlayedSource:
    """A source that a test plays: what it writes goes through a FIFO and a program to a recorder.

    The program ends when the test calls `lose`, and is started again when the recorder tries that.
    """

    def __init__(self, folder: Path) -> None:
        self._fifo = folder / "source"
        os.mkfifo(self._fifo)
        self._writer: int | None = None
        self._played = 0

    def open_input(self) -> PipeInput:
        """What the recorder opens."""
        return PipeInput(
            ["cat", str(self._fifo)], name="played", rate_hz=RATE_HZ, channels=1, samples="<f4", target_s=0.2
        )

    def play(self, frames: int) -> None:
        """Send the next frames. Waits until the recorder has opened the source."""
        if self._writer is None:
            self._writer = os.open(self._fifo, os.O_WRONLY)
        os.write(self._writer, ramp(frames, first=self._played).tobytes())
        self._played += frames

    def lose(self) -> None:
        """The source is gone."""
        assert self._writer is not None
        os.close(self._writer)
        self._writer = None
