"""The audio of a recording: decoded block by block, and written again with silence in some of it."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

import numpy as np

from stream_manager.recorder.encoder import encoder_argv, is_out_of_room
from stream_manager.recorder.folder import final_path
from stream_manager.recorder.options import RecorderOptions
from stream_manager.recorder.repair import NoRoomError, UnusableError
from tidzam.atomic import sync_file, sync_folder
from tidzam.speech_times import Interval
from tidzam.types import Float32

MUTING_SUFFIX: Final = ".muting"
_BLOCK_FRAMES: Final = 1 << 15
_FADE_S: Final = 0.005
_MISSING_S: Final = 0.1
_OPUS_KBPS: Final = (6, 256)
_OPUS_MORE: Final = 1.25
"""A file of Opus that is encoded again gets so much more than its own bit rate."""


@dataclass(frozen=True)
class RecordedAudio:
    """What a recording is: its sample rate, channels and length, and its bits per sample or bit rate."""

    rate_hz: int
    channels: int
    seconds: float
    bit_depth: int
    kbps: int


def examined(path: Path) -> RecordedAudio:
    """What a recording is, by its headers. Raises UnusableError."""
    argv = ["ffprobe", "-v", "fatal", "-protocol_whitelist", "file", "-select_streams", "a:0", "-of", "json"]
    argv += ["-show_entries", "stream=sample_rate,channels,bits_per_raw_sample,bits_per_sample:format=duration"]
    done = subprocess.run(
        [*argv, f"file:{path}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False
    )
    try:
        found = json.loads(done.stdout)
        stream, seconds = found["streams"][0], float(found["format"]["duration"])
        bits = int(stream.get("bits_per_raw_sample") or 0) or int(stream.get("bits_per_sample") or 0)
        kbps = path.stat().st_size * 8 / 1000 / max(seconds, 1e-3) / int(stream["channels"])
        return RecordedAudio(
            int(stream["sample_rate"]), int(stream["channels"]), seconds, 24 if bits == 24 else 16, round(kbps)
        )
    except (ValueError, LookupError):
        raise UnusableError("it is not audio") from None


@contextmanager
def decoded(path: Path, channels: int) -> Iterator[Iterator[Float32]]:
    """The audio of a file at its own rate, in blocks of shape (frames, channels). Raises UnusableError at its end if it
    cannot be decoded to it."""
    argv = ["ffmpeg", "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file,pipe", "-i", f"file:{path}"]
    argv += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdout is not None
        assert ffmpeg.stderr is not None
        try:
            yield _blocks(ffmpeg.stdout, channels)
            message = ffmpeg.stderr.read().decode(errors="replace").strip()
            if ffmpeg.wait():
                raise UnusableError(message.splitlines()[-1] if message else "it cannot be decoded")
        finally:
            ffmpeg.kill()


def _blocks(pipe: IO[bytes], channels: int) -> Iterator[Float32]:
    while data := pipe.read(4 * channels * _BLOCK_FRAMES):
        yield np.frombuffer(data, np.float32).reshape(-1, channels)


def mute(path: Path, audio: RecordedAudio, intervals: Sequence[Sequence[Interval]]) -> float:
    """Replace a recording by one that is silent in the intervals of each channel, in frames of its own rate. All other
    samples of FLAC and WAV remain as they are; Opus is encoded again. Returns the peak of what is left.

    Raises UnusableError, NoRoomError and OSError, with the recording unchanged.
    """
    fresh = path.with_name(f"{path.name}{MUTING_SUFFIX}")
    fresh.unlink(missing_ok=True)
    try:
        with decoded(path, audio.channels) as blocks:
            frames, peak = _write(fresh, path, audio, _muted(blocks, intervals, audio.rate_hz))
        with decoded(fresh, audio.channels) as blocks:
            written = sum(len(block) for block in blocks)
        if abs(frames / audio.rate_hz - audio.seconds) > _MISSING_S:
            raise UnusableError(f"{frames / audio.rate_hz:.3f} s of it can be decoded, not {audio.seconds:.3f} s")
        if written != frames:
            raise UnusableError(f"it has {written} frames after muting, not {frames}")
        sync_file(fresh)
        status = path.stat()
        os.utime(fresh, ns=(status.st_atime_ns, status.st_mtime_ns))  # when a recording was written is when it ended
        fresh.replace(path)
        sync_folder(path.parent)
    finally:
        fresh.unlink(missing_ok=True)
    return peak


def _muted(blocks: Iterator[Float32], intervals: Sequence[Sequence[Interval]], rate_hz: int) -> Iterator[Float32]:
    start = 0
    for block in blocks:
        gains = [gain(of_channel, start, start + len(block), rate_hz) for of_channel in intervals]
        yield block * np.stack(gains, axis=1)
        start += len(block)


def gain(intervals: Sequence[Interval], start: int, end: int, rate_hz: int) -> Float32:
    """The gain of the frames from `start` to `end`: 0 in the intervals, which begin and end with a fade, else 1."""
    fade = max(1, round(_FADE_S * rate_hz))
    frames, found = np.arange(start, end), np.ones(end - start, np.float32)
    for first, last in intervals:
        if first < end and last > start:
            inside = np.minimum(frames - first, last - 1 - frames)  # frames to the nearest end, negative outside
            found = np.minimum(found, np.clip(1 - (inside + 1) / fade, 0, 1)).astype(np.float32)
    return found


def _write(fresh: Path, path: Path, audio: RecordedAudio, blocks: Iterator[Float32]) -> tuple[int, float]:
    """Encode blocks in the format of `path`. Returns the number of frames, and their peak."""
    low, high = _OPUS_KBPS
    options = RecorderOptions(
        source="",
        channels=audio.channels,
        folder=path.parent,
        format=final_path(path).suffix.removeprefix("."),
        length_s=1,
        bitrate_kbps=min(high, max(low, round(_OPUS_MORE * audio.kbps))),
        bit_depth=audio.bit_depth,
    )
    frames, peak = 0, 0.0
    argv = encoder_argv(fresh, audio.rate_hz, options)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as ffmpeg:
        assert ffmpeg.stdin is not None
        assert ffmpeg.stderr is not None
        try:
            for block in blocks:
                ffmpeg.stdin.write(np.ascontiguousarray(block, "<f4").tobytes())
                frames, peak = frames + len(block), max(peak, float(np.abs(block).max(initial=0.0)))
            ffmpeg.stdin.close()
        except BrokenPipeError:
            pass
        message = ffmpeg.stderr.read().decode(errors="replace").strip()
        if ffmpeg.wait() or message:
            last = message.splitlines()[-1] if message else f"ffmpeg ended with status {ffmpeg.returncode}"
            raise NoRoomError(last) if is_out_of_room(message) else UnusableError(last)
    return frames, peak


def at_low_priority() -> None:
    """Leave the processor to recorders and players."""
    os.nice(10)
