"""Makes a usable file of one that was cut off by a crash, without losing a sample that was written."""

from __future__ import annotations

import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from stream_manager.recorder.encoder import is_out_of_room
from stream_manager.recorder.loudness import Loudness
from tidzam.atomic import sync_file
from tidzam.audio.ogg_checksum import ogg_checksum
from tidzam.naming import PART_SUFFIX
from tidzam.recorded_sound.sections import SectionMeter

_TIMEOUT_S: Final = 3600
_OPUS_RATE_HZ: Final = 48000
_OPUS_MARGIN_S: Final = 0.04
_OPUS_HEAD: Final = b"OpusHead"
_PAGE: Final = struct.Struct("<4sBBqIIIB")
_GRANULE_AT, _CHECKSUM_AT = 6, 22
_MAX_PAGE_BYTES: Final = 27 + 255 + 255 * 255


class UnusableError(Exception):
    """A file cannot be repaired; the text is the reason."""


class NoRoomError(Exception):
    """A file cannot be repaired now, as the disk is full."""


@dataclass(frozen=True)
class AudioSummary:
    """The length of a file, its peak, as a fraction of full scale, and the peaks of its sections."""

    frames: int
    rate_hz: int
    peak: float
    loudness: Loudness

    @property
    def seconds(self) -> float:
        return self.frames / self.rate_hz


def repair(part: Path, *, limit_s: int | None = None) -> AudioSummary:
    """Replace the file `part` by a complete one with the same audio, or with its first `limit_s` seconds.

    FLAC and WAV are written again, so that their headers are right; packets of Opus are copied. The result is decoded
    to its end before it replaces `part`. Raises UnusableError, NoRoomError and OSError, with `part` unchanged.
    """
    suffix = Path(part.name.removesuffix(PART_SUFFIX)).suffix
    fixed = part.with_name(f"{part.name}.repaired")
    try:
        _run(repair_argv(part, fixed, suffix, limit_s=limit_s))
        if suffix == ".opus" and limit_s is not None:
            _end_opus_at(fixed, limit_s)
        content = examine(fixed)
        sync_file(fixed)
        fixed.replace(part)
    finally:
        fixed.unlink(missing_ok=True)
    return content


def repair_argv(part: Path, fixed: Path, suffix: str, *, limit_s: int | None) -> list[str]:
    """ffmpeg that writes what it can read of `part` to `fixed`."""
    kind = suffix.removeprefix(".")
    codec = {"opus": ["-c", "copy"], "flac": ["-c:a", "flac"]}.get(kind, [])
    return [
        *("ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-y"),
        *("-guess_layout_max", "0") * (kind == "wav"),
        *("-protocol_whitelist", "file", "-f", {"opus": "ogg"}.get(kind, kind), "-i", f"file:{part}"),
        *(("-t", str(limit_s + (_OPUS_MARGIN_S if kind == "opus" else 0))) if limit_s is not None else ()),
        *(*codec, *_wav_codec(part, kind), "-f", kind, f"file:{fixed}"),
    ]


def _wav_codec(part: Path, kind: str) -> Sequence[str]:
    """ffmpeg writes 16 bits by default."""
    if kind != "wav":
        return ()
    with part.open("rb") as file:
        head = file.read(128)
    format_at = head.find(b"fmt ")
    if format_at < 0 or len(head) < format_at + 24:
        raise UnusableError("it has no header")
    bits = int.from_bytes(head[format_at + 22 : format_at + 24], "little")
    return ("-c:a", f"pcm_s{24 if bits == 24 else 16}le", "-rf64", "auto")


def examine(path: Path) -> AudioSummary:
    """Decode a file to its end. Raises UnusableError if there is no audio in it."""
    rate_hz, channels = _stream_of(path)
    argv = ["ffmpeg", "-nostdin", "-v", "fatal", "-protocol_whitelist", "file,pipe", "-i", f"file:{path}"]
    argv += ["-f", "f32le", "-c:a", "pcm_f32le", "pipe:1"]
    block_bytes, frames, meter = 4 * channels * 65536, 0, SectionMeter(rate_hz)
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as ffmpeg:
        assert ffmpeg.stdout is not None
        while block := ffmpeg.stdout.read(block_bytes):
            samples = np.frombuffer(block, np.float32, len(block) // (4 * channels) * channels).reshape(-1, channels)
            frames += len(samples)
            meter.add(samples)
    if not frames:
        raise UnusableError("there is no audio in it")
    return AudioSummary(frames, rate_hz, meter.peak, Loudness.of(meter))


def _stream_of(path: Path) -> tuple[int, int]:
    """The sample rate and the number of channels of a file. Raises UnusableError."""
    argv = ["ffprobe", "-v", "fatal", "-protocol_whitelist", "file", "-select_streams", "a:0"]
    argv += ["-show_entries", "stream=sample_rate,channels", "-of", "csv=p=0", f"file:{path}"]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    try:
        rate_hz, channels = map(int, done.stdout.split(",")[:2])
    except ValueError:
        raise UnusableError("it is not audio") from None
    return rate_hz, channels


def _run(argv: Sequence[str]) -> None:
    """Run ffmpeg at a low priority, until this process ends. It may complain about its damaged input, but not fail."""
    argv = ["setpriv", "--pdeathsig=KILL", "--", "nice", "-n", "10", *argv]
    done = subprocess.run(
        argv, process_group=0, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TIMEOUT_S, check=False
    )
    message = done.stderr.decode(errors="replace").strip()
    if is_out_of_room(message):
        raise NoRoomError(message.splitlines()[-1])
    if done.returncode:
        raise UnusableError(message.splitlines()[-1] if message else f"ffmpeg ended with status {done.returncode}")


def _end_opus_at(path: Path, seconds: int) -> None:
    """End the decoded audio of an Opus file at `seconds`, if it is longer.

    A packet lasts 20 ms, and the first 6.5 ms that are decoded are dropped (the pre-skip), so that packets alone cannot
    end at a whole second. The granule position of the last page can (RFC 7845, section 4.4).
    """
    with path.open("r+b") as file:
        head = file.read(4096)
        at = head.find(_OPUS_HEAD)
        end = file.seek(0, os.SEEK_END)
        tail_at = file.seek(max(0, end - 2 * _MAX_PAGE_BYTES))
        tail = file.read()
        page_at = tail.rfind(b"OggS")
        if at < 0 or page_at < 0 or len(tail) < page_at + _PAGE.size:
            raise UnusableError("it is not Ogg Opus")
        page = bytearray(tail[page_at:])
        pre_skip = int.from_bytes(head[at + 10 : at + 12], "little")
        granule = min(int.from_bytes(page[_GRANULE_AT : _GRANULE_AT + 8], "little"), pre_skip + seconds * _OPUS_RATE_HZ)
        struct.pack_into("<q", page, _GRANULE_AT, granule)
        struct.pack_into("<I", page, _CHECKSUM_AT, 0)
        struct.pack_into("<I", page, _CHECKSUM_AT, ogg_checksum(page))
        file.seek(tail_at + page_at)
        file.write(page)
