"""A recording whose audio and clocks are those of a test, with real files and a real ffmpeg."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stream_manager.recorder.encoder import SUFFIXES, Encoder, encoder_argv
from stream_manager.recorder.events import RecorderEvent
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recorder.recording import RecordingInProgress
from stream_manager.recorder.worker import Worker
from tests.support.eventually import eventually
from tests.support.ring_source import RingSource
from tidzam.segments import SegmentIndex
from tidzam.types import Float32


def recorder_options(folder: Path, channels: int = 2, **changes: Any) -> RecorderOptions:
    return RecorderOptions(
        **{
            "source": "pond",
            "channels": channels,
            "folder": folder,
            "format": "wav",
            "length_s": 2,
            "bitrate_kbps": 64,
            "bit_depth": 16,
            "threshold": None,
            **changes,
        }
    )


class Harness:
    """`events` are those that the recording sent; `now_s` is its monotonic clock."""

    def __init__(self, source: RingSource, options: RecorderOptions, *, ended_s: float | None = None) -> None:
        self.source, self.options = source, options
        self.events: list[RecorderEvent] = []
        self.faults: list[str] = []
        by_day = options.threshold is not None
        self.folder = RecordingFolder(options.folder, options.source, SUFFIXES[options.format], by_day=by_day)
        options.folder.mkdir(exist_ok=True)
        index = SegmentIndex(options.folder) if by_day else None
        self.worker = Worker(self.folder, self.events.append, self.faults.append, index)
        self.start: Callable[[Path], Encoder] = self.start_encoder
        self.recording = RecordingInProgress(
            options,
            source.ring,
            self.folder,
            self.worker,
            lambda part: self.start(part),
            self.events.append,
            ended_s=ended_s,
        )
        self.now_s = 0.0
        self.connected = True

    def start_encoder(self, part: Path) -> Encoder:
        argv = encoder_argv(part, self.source.rate_hz, self.options)
        return Encoder(argv, bytes_per_s=4 * self.options.channels * self.source.rate_hz)

    def step(self) -> None:
        """Record all that has been played."""
        self.recording.note_clock(self.source.clock)
        self.recording.step(connected=self.connected, now_s=self.now_s)
        while self.recording.file is not None and self.recording.file.is_blocked:
            self.recording.step(connected=self.connected, now_s=self.now_s, wait_s=1.0)

    def play(self, seconds: float, *, level: float = 1.0) -> None:
        """The source plays, and is recorded meanwhile. The steps are no divisors of a file's length."""
        left = round(seconds * self.source.rate_hz / self.source.period)
        while left > 0:
            periods = min(left, 7)
            self.source.play(periods, level=level)
            left -= periods
            self.now_s += periods * self.source.period / self.source.rate_hz
            self.step()

    def wait_until_encoding(self) -> None:
        """Wait until ffmpeg has written what it has received to the file in progress."""
        sizes = [0]

        def is_steady() -> bool:
            time.sleep(0.2)
            sizes.append(self.recording.file.size if self.recording.file else 0)
            return sizes[-1] == sizes[-2] > 0

        eventually(is_steady)

    def close(self) -> None:
        self.recording.close()
        self.worker.close(repairs_s=30)

    def files(self) -> list[Path]:
        """The complete files, in the order of their names."""
        return sorted(path for path in self.options.folder.rglob(f"pond-*{SUFFIXES[self.options.format]}"))

    def recorded(self) -> Float32:
        """All files, joined, shape (frames, channels)."""
        return np.concatenate([decoded(path, self.options.channels) for path in self.files()])

    def of(self, kind: type[RecorderEvent]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def decoded(path: Path, channels: int) -> Float32:
    """The samples of a file at its own rate, shape (frames, channels)."""
    argv = ["ffmpeg", "-v", "fatal", "-i", str(path), "-f", "f32le", "-"]
    sound = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(sound, np.float32).reshape(-1, channels)
