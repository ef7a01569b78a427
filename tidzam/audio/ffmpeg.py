"""Decoding by ffmpeg, in a separate process: AAC, WMA, WavPack, Matroska and others that libsndfile does not read."""

from __future__ import annotations

import os
import re
import resource
import select
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np

from tidzam.audio.decoder import check_bounds
from tidzam.audio.ffprobe import parse_ffprobe
from tidzam.audio.part import Part
from tidzam.errors import AudioError, SetupError
from tidzam.text import shown
from tidzam.types import Float32

_PROTOCOLS: Final = "file,subfile"
"""Only files: a playlist must not make the decoder fetch addresses."""
_ADDRESS: Final = re.compile(r" @ 0x[0-9a-f]+(?=\])")
_MEMORY_BYTES: Final = 1 << 30
_SILENT_S: Final = 60.0
"""An ffmpeg without output for this long is stuck."""
_EXACT: Final = ("mov,", "matroska,", "wv", "ape", "tta", "tak", "caf")
"""Containers that state their duration; that of others is only estimated from the bit rate."""
_MAX_DURATION_S: Final = 1e9
"""A longer duration is damage."""
_TOLERANCE_S: Final = 0.5


@dataclass(frozen=True)
class StreamInfo:
    """The first audio stream of a file. `duration_s` is what its container states, None if it is only an estimate."""

    rate_hz: int
    channels: int
    duration_s: float | None


@contextmanager
def open_ffmpeg(path: Path, part: Part, size: int, start_s: float) -> Iterator[FfmpegDecoder]:
    """A decoder of a part, from `start_s` of it on. Raises AudioError if it is not audio, SetupError without ffmpeg."""
    address = f"file:{path}" if (part.start, part.end) == (0, size) else _address_of(path, part)
    stream = _probe(path, address)
    check_bounds(path, stream.rate_hz, stream.channels)
    with tempfile.TemporaryFile() as complaints:
        # -ss after the input decodes what it skips: slower than before it, but exact.
        argv = ["ffmpeg", "-nostdin", *_input(address), "-ss", f"{start_s:.6f}", "-map", "0:a:0", "-f", "f32le", "-"]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints)
        try:
            _limit(process)
            yield FfmpegDecoder(path, process, complaints, stream, start_s)
        finally:
            process.kill()
            process.communicate()


class FfmpegDecoder:
    """ffmpeg writing raw float32 to a pipe. `complaint` is its first error message."""

    def __init__(
        self, path: Path, process: subprocess.Popen[bytes], complaints: IO[bytes], stream: StreamInfo, start_s: float
    ) -> None:
        self.rate_hz = stream.rate_hz
        self.channels = stream.channels
        self.frames: int | None = None
        self.cut_short = False
        self.lost_frames = 0
        self.complaint = ""
        self.resynchronizes = True
        self.stated_s = stream.duration_s
        self._path = path
        self._process = process
        self._complaints = complaints
        self._read_s = start_s

    def read(self, frames: int) -> Float32:
        frame_bytes = 4 * self.channels
        raw = self._bytes(frames * frame_bytes)
        if not raw:
            self._end()
        whole = len(raw) - len(raw) % frame_bytes
        block = np.frombuffer(raw[:whole], dtype=np.float32).reshape(-1, self.channels)
        self._read_s += len(block) / self.rate_hz
        return block

    def consumed(self) -> int:
        return 0

    def _bytes(self, count: int) -> bytes:
        """The next bytes, fewer than `count` only at the end. Raises AudioError if no more arrive."""
        assert self._process.stdout is not None
        descriptor, parts, left = self._process.stdout.fileno(), [], count
        while left:
            if not select.select([descriptor], [], [], _SILENT_S)[0]:
                raise AudioError(
                    f"{shown(self._path)} cannot be decoded: ffmpeg has produced no output for {_SILENT_S:.0f} s.",
                    hint="The file is damaged: record or copy it again.",
                    code="audio_format",
                )
            raw = os.read(descriptor, left)
            if not raw:
                break
            parts.append(raw)
            left -= len(raw)
        return b"".join(parts)

    def _end(self) -> None:
        self._process.wait()
        self._complaints.seek(0)
        lines = self._complaints.read(1 << 16).decode(errors="replace").splitlines()
        errors = [line for line in lines if line.strip() and not line.startswith("[f32le @")]
        self.complaint = _ADDRESS.sub("", errors[0]).strip(" .!") if errors else ""
        missing_s = 0.0 if self.stated_s is None else self.stated_s - self._read_s
        if missing_s > max(_TOLERANCE_S, 0.01 * (self.stated_s or 0.0)):
            self.cut_short = True
            self.resynchronizes = False


def _address_of(path: Path, part: Part) -> str:
    return f"subfile,,start,{part.start},end,{part.end},,:file:{path}"


def _input(address: str) -> Sequence[str]:
    return ("-v", "error", "-protocol_whitelist", _PROTOCOLS, "-i", address)


def _limit(process: subprocess.Popen[bytes]) -> None:
    """Bound the memory of a decoder: a header may ask for any amount."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended already
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))


def _probe(path: Path, address: str) -> StreamInfo:
    entries = "stream=sample_rate,channels,duration:format=format_name,duration"
    argv = ["ffprobe", "-select_streams", "a:0", "-show_entries", entries, "-of", "json", *_input(address)]
    answer = b""
    try:
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            _limit(process)
            try:
                answer, _ = process.communicate(timeout=_SILENT_S)
            except subprocess.TimeoutExpired:
                process.kill()
    except FileNotFoundError:
        raise SetupError(f"{shown(path)} can be read only with ffmpeg.", hint="Run `tidzam install`.") from None
    stream = _stream_info(answer)
    if stream is None:
        raise AudioError(
            f"{shown(path)} is not audio that can be decoded.",
            hint="Specify a WAV, FLAC, Ogg, Opus, MP3 or M4A file.",
            code="audio_format",
        )
    return stream


def _stream_info(answer: bytes) -> StreamInfo | None:
    """The stream in ffprobe's output; None if there is none with a rate and channels."""
    try:
        found = parse_ffprobe(answer)
    except ValueError:
        return None
    if found is None or not found.rate_hz or not found.channels or found.rate_hz < 0 or found.channels < 0:
        return None
    duration_s = found.stream_duration_s or found.duration_s
    exact = found.container.startswith(_EXACT) and duration_s is not None and duration_s < _MAX_DURATION_S
    return StreamInfo(found.rate_hz, found.channels, duration_s if exact else None)
