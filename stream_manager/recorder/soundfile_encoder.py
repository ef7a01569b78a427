"""Writes one FLAC or WAV file of a recording in this process, by libsndfile: an ffmpeg takes 35 MB of memory."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
import soundfile
from numpy.typing import NDArray

from stream_manager.recorder.encoder import EncoderError
from stream_manager.recorder.options import RecorderOptions
from tidzam.types import Float32

FORMATS: Final = frozenset({"flac", "wav"})
"""The formats of `RecorderOptions` that it writes."""
_MOST_WAV_BYTES: Final = 4_000_000_000
"""A longer file has 64-bit lengths, as RF64."""


class SoundFileEncoder:
    """A file that is written in this process, see `FileEncoder`. Writing to it takes as long as the disk does."""

    def __init__(self, part: Path, rate_hz: int, options: RecorderOptions) -> None:
        """Raises EncoderError."""
        self._part, self._channels, self._bits = part, options.channels, options.bit_depth
        kind = options.format.upper()
        size = options.length_s * rate_hz * options.channels * options.bit_depth // 8
        try:
            self._file = soundfile.SoundFile(
                part,
                "x",
                samplerate=rate_hz,
                channels=options.channels,
                subtype=f"PCM_{options.bit_depth}",
                format="RF64" if kind == "WAV" and size > _MOST_WAV_BYTES else kind,
            )
        except (OSError, soundfile.LibsndfileError) as error:
            raise EncoderError(f"{part.name} cannot be created: {self._cause(error)}") from error

    def write(self, data: memoryview) -> int:
        """Encode all of `data`, whole frames. Raises EncoderError."""
        samples = np.frombuffer(data, "<f4").reshape(-1, self._channels)
        try:
            self._file.write(_integers(samples, self._bits))
        except (OSError, soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            raise EncoderError(f"{self._part.name} cannot be written: {self._cause(error)}") from error
        return len(data)

    def wait_writable(self, timeout_s: float) -> None:
        """It always takes more."""

    def check(self) -> None:
        """It fails only when it is written to."""

    def check_progress(self) -> None:
        """It blocks only while it is written to."""

    def finish(self, data: bytes = b"", *, timeout_s: float = 60.0) -> None:
        """Write `data`, and complete the file. Raises EncoderError if it is not complete."""
        self.write(memoryview(data))
        try:
            self._file.close()
        except (OSError, soundfile.LibsndfileError) as error:
            raise EncoderError(f"{self._part.name} cannot be completed: {self._cause(error)}") from error

    def kill(self) -> None:
        """Write no more."""
        with suppress(OSError, soundfile.LibsndfileError):
            self._file.close()

    def _cause(self, error: Exception) -> str:
        """Why the file cannot be written: libsndfile does not say whether the disk is full, so that it is tried."""
        try:
            descriptor = os.open(self._part, os.O_WRONLY | os.O_APPEND)
        except OSError as refused:
            return refused.strerror or str(refused)
        try:
            size = os.fstat(descriptor).st_size
            os.write(descriptor, b"\0")
            os.ftruncate(descriptor, size)
        except OSError as refused:
            return refused.strerror or str(refused)
        finally:
            os.close(descriptor)
        return str(error)


def _integers(samples: Float32, bits: int) -> NDArray[np.int16] | NDArray[np.int32]:
    """Samples as integers of `bits`, rounded to even as ffmpeg does; 24 bits are the upper ones of 32."""
    full = float(1 << (bits - 1))
    rounded: Float32 = np.clip(np.rint(samples * np.float32(full)), -full, full - 1)
    if bits == 16:
        return rounded.astype(np.int16)
    return (rounded * np.float32(256)).astype(np.int32)
