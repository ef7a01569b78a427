"""Reading sound files block by block: libsndfile where it can (WAV, FLAC, Ogg, Opus, MP3), ffmpeg for the rest."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import numpy as np
import soundfile

from tidzam.audio.features import Float32
from tidzam.errors import AudioError, SetupError

log = logging.getLogger(__name__)

BLOCK_FRAMES = 8192
"""Frames a block. Small, because a FLAC file that breaks off loses the block it breaks off in."""

# How libsndfile notes a file that breaks off. A WAV written to a pipe states 0xFFFFFFFF bytes and is whole.
_CUT_SHORT = re.compile(r"^data : (?!4294967295 )\d+ \(should be|Last page lacks an end-of-stream bit", re.MULTILINE)


class _Decoder(Protocol):
    """Hands out the next frames as float32 (frames, channels), empty at the end; then `truncated` is known."""

    rate_hz: int
    channels: int
    frames: int | None
    truncated: bool

    def read(self, frames: int) -> Float32: ...


class AudioFile:
    """An open sound file, read once from beginning to end.

    `frames` is what its header states, None if it does not; `frames_read` counts those that were handed out so far.
    `truncated` is known once all blocks were read: the file breaks off, and what there was of it was decoded.
    """

    def __init__(self, path: Path, decoder: _Decoder) -> None:
        self.path = path
        self.rate_hz = decoder.rate_hz
        self.channels = decoder.channels
        self.frames = decoder.frames
        self.frames_read = 0
        self.truncated = False
        self._decoder = decoder

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Float32]:
        """Samples in -1…1, float32 (at most `frames`, channels) a block. Raises AudioError if there are none."""
        while len(block := self._decoder.read(frames)):
            self.frames_read += len(block)
            yield block
        if not self.frames_read:
            raise _empty(self.path)
        self.truncated = self._decoder.truncated
        if self.truncated:
            read_s = self.frames_read / self.rate_hz
            log.warning("%s breaks off: only its first %.1f s were read. Copy or record it again", self.path, read_s)


@contextmanager
def open_audio(path: Path, *, start_s: float = 0.0) -> Iterator[AudioFile]:
    """Open a sound file of any format that libsndfile or ffmpeg reads, at `start_s` from its beginning.

    Raises AudioError: `audio_missing`, `audio_empty`, `audio_format`; SetupError if ffmpeg is needed and absent.
    """
    _check_readable(path)
    file = _open_sndfile(path)
    if file is None:
        with _ffmpeg(path, start_s) as decoder:
            yield AudioFile(path, decoder)
        return
    with file:
        if file.frames == 0:
            raise _empty(path)
        if start_s:
            _seek(file, round(start_s * file.samplerate))
        yield AudioFile(path, _SndfileDecoder(file))


def read_audio(path: Path, *, start_s: float = 0.0, duration_s: float | None = None) -> tuple[Float32, int]:
    """A sound file, or a stretch of it: samples in -1…1, float32 (channels, frames), and its rate.

    Raises as `open_audio` does; `audio_empty` too if the stretch lies behind the file's end.
    """
    with open_audio(path, start_s=start_s) as audio:
        blocks = audio.blocks()
        if duration_s is not None:
            blocks = _first(blocks, round(duration_s * audio.rate_hz))
        samples = np.concatenate(list(blocks))
        return np.ascontiguousarray(samples.T), audio.rate_hz


def audio_length(path: Path) -> tuple[int, int]:
    """How many frames of a file can be decoded, and its rate: as its header states, if there is a last frame.

    Else the file is decoded from beginning to end. Raises as `open_audio` does.
    """
    with open_audio(path) as audio:
        stated, rate_hz = audio.frames, audio.rate_hz
    if stated is not None and _has_frame(path, stated - 1, rate_hz):
        return stated, rate_hz
    with open_audio(path) as audio:
        return sum(map(len, audio.blocks())), rate_hz


def _has_frame(path: Path, frame: int, rate_hz: int) -> bool:
    try:
        with open_audio(path, start_s=frame / rate_hz) as audio:
            return len(next(audio.blocks(1))) > 0
    except AudioError:
        return False


def _first(blocks: Iterator[Float32], frames: int) -> Iterator[Float32]:
    for block in blocks:
        yield block[:frames]
        frames -= len(block)
        if frames <= 0:
            return


def _open_sndfile(path: Path) -> soundfile.SoundFile | None:
    """The file as libsndfile reads it; None if ffmpeg is to: libsndfile cannot, or not in the order of its channels.

    Ogg puts the centre between left and right. ffmpeg, and mpv in the live path, put it behind them.
    """
    try:
        file = soundfile.SoundFile(os.fsencode(path))  # soundfile refuses a str that is no UTF-8
    except soundfile.LibsndfileError:
        return None
    if file.format == "OGG" and file.channels > 2:
        file.close()
        return None
    return file


def _seek(file: soundfile.SoundFile, frame: int) -> None:
    """Raises AudioError if the file ends or breaks off before `frame`."""
    try:
        file.seek(min(frame, file.frames))
    except soundfile.LibsndfileError:
        raise _empty(Path(os.fsdecode(file.name))) from None


def _check_readable(path: Path) -> None:
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise _empty(path)
    except OSError as error:
        raise AudioError(
            f"{path} cannot be read: {error.strerror}.", hint="Name a sound file.", code="audio_missing"
        ) from None


def _empty(path: Path) -> AudioError:
    return AudioError(
        f"{path} holds no sound.", hint="It is empty or cut short: record or copy it again.", code="audio_empty"
    )


class _SndfileDecoder:
    def __init__(self, file: soundfile.SoundFile) -> None:
        self.rate_hz: int = file.samplerate
        self.channels: int = file.channels
        self.frames: int | None = file.frames
        self.truncated = _CUT_SHORT.search(file.extra_info) is not None
        self._file = file
        self._left: int = file.frames - file.tell()

    def read(self, frames: int) -> Float32:
        try:
            block: Float32 = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:  # FLAC that breaks off within a frame
            block = np.empty((0, self.channels), dtype=np.float32)
        self._left -= len(block)
        if not len(block) and self._left > 0:
            self.truncated = True
        return block


class _FfmpegDecoder:
    """ffmpeg writing raw float32 to a pipe."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes], rate_hz: int, channels: int) -> None:
        self.rate_hz = rate_hz
        self.channels = channels
        self.frames: int | None = None
        self.truncated = False
        self._process = process
        self._complaints = complaints

    def read(self, frames: int) -> Float32:
        assert self._process.stdout is not None
        frame_bytes = 4 * self.channels
        raw = self._process.stdout.read(frames * frame_bytes)
        if not raw:
            self._process.wait()
            self.truncated = self._complaints.tell() > 0
        whole = len(raw) - len(raw) % frame_bytes
        return np.frombuffer(raw[:whole], dtype=np.float32).reshape(-1, self.channels)


@contextmanager
def _ffmpeg(path: Path, start_s: float) -> Iterator[_FfmpegDecoder]:
    rate_hz, channels = _probe(path)
    with tempfile.TemporaryFile() as complaints:
        # -ss behind the input decodes what it leaves out: slower than in front of it, and exact.
        argv = ["ffmpeg", *_INPUT, f"file:{path}", "-ss", f"{start_s:.6f}", "-map", "0:a:0", "-f", "f32le", "-"]
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints)
        try:
            yield _FfmpegDecoder(process, complaints, rate_hz, channels)
        finally:
            process.kill()
            process.communicate()


# Only files: a playlist must not make the decoder fetch addresses.
_INPUT = ("-v", "error", "-protocol_whitelist", "file,pipe", "-i")


def _probe(path: Path) -> tuple[int, int]:
    """Rate and channels of the first audio stream of `path`."""
    argv = ["ffprobe", "-select_streams", "a:0", "-show_entries", "stream=sample_rate,channels", "-of", "json"]
    try:
        done = subprocess.run([*argv, *_INPUT, f"file:{path}"], capture_output=True, check=False)
    except FileNotFoundError:
        raise SetupError(f"{path} needs ffmpeg to be read.", hint="Run `tidzam install`.") from None
    found = _parse_probe(done.stdout)
    if found is None:
        raise AudioError(
            f"{path} is not sound that can be decoded.",
            hint="Name a WAV, FLAC, Ogg, Opus, MP3 or M4A file.",
            code="audio_format",
        )
    return found


def _parse_probe(answer: bytes) -> tuple[int, int] | None:
    """Rate and channels in ffprobe's JSON; None if it tells of no stream that has both."""
    try:
        stream = json.loads(answer)["streams"][0]
        rate_hz, channels = int(stream["sample_rate"]), int(stream["channels"])
    except (LookupError, TypeError, ValueError):
        return None
    return (rate_hz, channels) if rate_hz > 0 and channels > 0 else None
