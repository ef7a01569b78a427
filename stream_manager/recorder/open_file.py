"""The file that is being recorded, of one of two kinds: written as it grows, or kept only if it is not silent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from stream_manager.recorder.encoder import EncoderError, FileEncoder
from stream_manager.recorder.folder import RecordingFolder
from stream_manager.recorder.loudness import Loudness
from stream_manager.recorder.worker import Worker
from tidzam.recorded_sound.sections import SectionMeter
from tidzam.types import Float32

_MAX_WAITING: Final = 20
"""Segments that wait to be written, in memory."""

StartEncoder = Callable[[Path], FileEncoder]


class OpenFile(Protocol):
    """A file from its first frame to its last."""

    start_s: int
    """Its first sample, in seconds since 1970 (UTC)."""
    first_frame: int
    """The frame of that sample."""

    @property
    def is_blocked(self) -> bool:
        """Whether it cannot take more samples at present."""
        ...

    @property
    def size(self) -> int:
        """Bytes written so far."""
        ...

    def write(self, samples: Float32) -> None:
        """Append samples of shape (frames, channels). Raises EncoderError."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Try for some time to get rid of what blocks it. Raises EncoderError."""
        ...

    def check_progress(self) -> None:
        """Called when it has been blocked for some time. Raises EncoderError if it will remain so."""
        ...

    def sync(self) -> None:
        """Write what it holds to disk, in the background."""
        ...

    def close(self, *, is_whole: bool) -> None:
        """Complete it in the background. `is_whole` means that it ends where it was to end."""
        ...


class ContinuousFile:
    """A file that is encoded while it is recorded."""

    def __init__(
        self,
        folder: RecordingFolder,
        start_s: int,
        first_frame: int,
        start: StartEncoder,
        worker: Worker,
        *,
        rate_hz: int,
    ) -> None:
        """Raises OSError and EncoderError."""
        self.start_s, self.first_frame = start_s, first_frame
        self.part = folder.new_part(start_s)
        self.encoder, self._worker = start(self.part), worker
        self._waiting = memoryview(b"")
        self._meter = SectionMeter(rate_hz)

    @property
    def is_blocked(self) -> bool:
        return len(self._waiting) > 0

    @property
    def size(self) -> int:
        try:
            return self.part.stat().st_size
        except FileNotFoundError:  # ffmpeg creates it when it starts
            return 0

    def write(self, samples: Float32) -> None:
        self._meter.add(samples)
        self._waiting = memoryview(np.ascontiguousarray(samples, "<f4").tobytes())
        self._write()

    def check_progress(self) -> None:
        self.encoder.check_progress()

    def flush(self, timeout_s: float) -> None:
        self.encoder.check()
        if self.is_blocked:
            self.encoder.wait_writable(timeout_s)
            self._write()

    def sync(self) -> None:
        if self.size:
            self._worker.sync(self.part)

    def _write(self) -> None:
        while self._waiting:
            written = self.encoder.write(self._waiting)
            if not written:
                return
            self._waiting = self._waiting[written:]

    def close(self, *, is_whole: bool) -> None:
        self._worker.finish(self.encoder, self.part, bytes(self._waiting), Loudness.of(self._meter))

    def abandon(self) -> None:
        """End the encoder; the part remains as it is."""
        self.encoder.kill()


class SegmentFile:
    """A segment that is held in memory until it is whole, and written if its peak reaches `threshold`."""

    is_blocked = False
    size = 0

    def __init__(
        self,
        folder: RecordingFolder,
        start_s: int,
        first_frame: int,
        start: StartEncoder,
        worker: Worker,
        *,
        rate_hz: int,
        threshold: float,
    ) -> None:
        self.start_s, self.first_frame = start_s, first_frame
        self._folder, self._start, self._worker, self._threshold = folder, start, worker, threshold
        self._blocks: list[bytes] = []
        self._meter = SectionMeter(rate_hz)

    def write(self, samples: Float32) -> None:
        self._blocks.append(np.ascontiguousarray(samples, "<f4").tobytes())
        self._meter.add(samples)

    def check_progress(self) -> None:
        pass

    def sync(self) -> None:
        pass

    def flush(self, timeout_s: float) -> None:
        pass

    def close(self, *, is_whole: bool) -> None:
        if not is_whole or self._meter.peak < self._threshold:
            return
        if self._worker.waiting > _MAX_WAITING:
            raise EncoderError("the disk is too slow")
        try:
            part = self._folder.new_part(self.start_s)
        except OSError as error:
            raise EncoderError(f"the segment cannot be created: {error}") from error
        self._worker.keep(lambda: self._start(part), b"".join(self._blocks), part, Loudness.of(self._meter))
