"""Reading audio files block by block, whatever their format. All programs read them this way."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import numpy as np

from tidzam.audio.decoder import empty
from tidzam.audio.part import FileBytes
from tidzam.audio.sanitize import sanitize
from tidzam.audio.sequence import PartSequence
from tidzam.errors import AudioError
from tidzam.text import shown
from tidzam.types import Float32

log = logging.getLogger(__name__)

BLOCK_FRAMES: Final = 8192
BLOCK_SAMPLES: Final = 1 << 18
"""Frames and samples per block, at most: memory must not grow with the number of channels."""
_MOST_WARNED: Final = 10_000
MAX_READ_BYTES: Final = 1 << 30
"""The maximum size of the samples that `read_audio` returns."""


class AudioFile:
    """An open audio file, read once from beginning to end.

    `frames` is the number that its header states exactly, and `expected_s` its probable duration, None if unknown;
    `frames_read` counts the frames that were returned so far.
    After all blocks were read, the faults of the file are known: `truncated` if not all of it could be read, for any
    reason; `lost_s`, the duration of what could not be decoded, and is silent or left out.
    `cleaned` counts the samples that were not finite, or far beyond full scale, and were set to zero.
    """

    def __init__(self, path: Path, sequence: PartSequence) -> None:
        self.path = path
        self.rate_hz = sequence.rate_hz
        self.channels = sequence.channels
        self.frames = sequence.frames
        self.expected_s = sequence.expected_s
        self.frames_read = 0
        self.truncated = False
        self.lost_s = 0.0
        self.cleaned = 0
        self._sequence = sequence

    def blocks(self, frames: int = BLOCK_FRAMES) -> Iterator[Float32]:
        """Samples, float32 (at most `frames`, channels) per block; full scale is 1.

        Faults of the file are logged, once. Raises AudioError if there is no frame.
        """
        frames = max(1, min(frames, BLOCK_SAMPLES // self.channels))
        try:
            while len(block := self._sequence.read(frames)):
                self.frames_read += len(block)
                block, cleaned = sanitize(block)
                self.cleaned += cleaned
                yield block
            if not self.frames_read:
                raise empty(self.path)
            self._note_faults()
        finally:
            if self.cleaned:
                _warn_cleaned(self.path, self.cleaned)

    def length(self) -> int | None:
        """The number of frames according to the headers of the file; None if they do not state it.

        Counts all files that were joined. Call it instead of `blocks`, not after.
        """
        return self._sequence.length()

    def _note_faults(self) -> None:
        found = self._sequence
        read_s = self.frames_read / self.rate_hz
        of = f" of {found.stated_s:.1f} s" if found.stated_s else ""
        self.lost_s = found.lost_s
        self.truncated = bool(found.cut_short or found.other_format or found.lost_s or found.complaint)
        if found.other_format:
            _warn_once(
                "%s: only the first %.1f s%s were read: the rest %s. Split the file there",
                *(shown(self.path), read_s, of, found.other_format),
            )
        elif found.cut_short:
            _warn_once(
                "%s is truncated: only its first %.1f s%s were read. Copy or record it again",
                *(shown(self.path), read_s, of),
            )
        if found.lost_s:
            _warn_once(
                "%s is damaged: %.2f s of its %.1f s could not be decoded. Copy or record it again",
                *(shown(self.path), found.lost_s, read_s),
            )
        elif found.complaint and not found.cut_short:
            _warn_once("%s is damaged: %s. Copy or record it again", shown(self.path), shown(found.complaint))


@contextmanager
def open_audio(path: Path, *, start_s: float = 0.0) -> Iterator[AudioFile]:
    """Open an audio file of any format that libsndfile or ffmpeg reads, at `start_s` from its beginning.

    Files that were joined are read as one, as long as their format is the same.
    Raises AudioError: `audio_missing`, `audio_empty`, `audio_format`; SetupError if ffmpeg is needed and absent.
    """
    with _open_regular(path) as descriptor, ExitStack() as stack:
        yield AudioFile(path, PartSequence(path, FileBytes(descriptor), stack, start_s))


def read_audio(path: Path, *, start_s: float = 0.0, duration_s: float | None = None) -> tuple[Float32, int]:
    """An audio file, or a section of it: samples, float32 (channels, frames), full scale is 1, and its rate.

    Raises as `open_audio` does; `audio_empty` also if the section lies beyond the file's end, `audio_large` if it is
    too large to be held in memory.
    """
    samples, rate_hz, _ = read_audio_and_faults(path, start_s=start_s, duration_s=duration_s)
    return samples, rate_hz


def read_audio_and_faults(
    path: Path, *, start_s: float = 0.0, duration_s: float | None = None
) -> tuple[Float32, int, bool]:
    """As `read_audio`, and whether the file proved to be truncated."""
    with open_audio(path, start_s=start_s) as audio:
        most = MAX_READ_BYTES // (4 * audio.channels)
        wanted = most + 1 if duration_s is None else round(duration_s * audio.rate_hz)
        samples = _joined(list(_first(audio.blocks(), min(wanted, most + 1))))
        if samples.shape[1] > most:
            raise AudioError(
                f"{shown(path)} has more than {most / audio.rate_hz:.0f} s of {audio.channels} channels at "
                f"{audio.rate_hz} Hz, too much to be held in memory.",
                hint="Cut it into shorter files.",
                code="audio_large",
            )
        return samples, audio.rate_hz, audio.truncated


def audio_length(path: Path) -> tuple[int, int]:
    """How many frames of a file can be decoded, and its rate: as its header states, if there is a last frame.

    Else the file is decoded from beginning to end. Raises as `open_audio` does.
    """
    with open_audio(path) as audio:
        rate_hz, stated = audio.rate_hz, audio.length()
    if stated and _has_frame(path, stated - 1, rate_hz):
        return stated, rate_hz
    with open_audio(path) as audio:
        return sum(map(len, audio.blocks())), rate_hz


def _has_frame(path: Path, frame: int, rate_hz: int) -> bool:
    try:
        with open_audio(path, start_s=frame / rate_hz) as audio:
            return len(next(audio.blocks(1))) > 0
    except AudioError:
        return False


def _joined(blocks: list[Float32]) -> Float32:
    """Blocks (frames, channels) as one array (channels, frames). The list is emptied, so that little is held twice."""
    joined = np.empty((blocks[0].shape[1], sum(map(len, blocks))), np.float32)
    at = 0
    blocks.reverse()
    while blocks:
        block = blocks.pop()
        joined[:, at : at + len(block)] = block.T
        at += len(block)
    return joined


def _first(blocks: Iterator[Float32], frames: int) -> Iterator[Float32]:
    for block in blocks:
        yield block[:frames]
        frames -= len(block)
        if frames <= 0:
            return


@contextmanager
def _open_regular(path: Path) -> Iterator[int]:
    """A descriptor of a regular file. Nothing else is opened: a pipe would block, a device might do anything."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise AudioError(
                f"{shown(path)} is {_kind(mode)}, not a file.",
                hint="Specify an audio file; record a stream to a file first.",
                code="audio_missing",
            )
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(
            f"{shown(path)} cannot be read: {reason}.", hint="Specify an audio file.", code="audio_missing"
        ) from None
    try:
        if not os.fstat(descriptor).st_size:
            raise empty(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _kind(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


_warned: set[object] = set()


def _warn_once(text: str, *values: object) -> None:
    """Warn once per file and fault: a program may read a file several times."""
    if len(_warned) > _MOST_WARNED:
        _warned.clear()
    if (text, values) not in _warned:
        _warned.add((text, values))
        log.warning(text, *values)


def _warn_cleaned(path: Path, samples: int) -> None:
    """Warn once per file: a program may read it in sections."""
    if path not in _warned:
        _warned.add(path)
        log.warning(
            "%s: %d samples are not finite, or far beyond full scale: they were replaced with silence. "
            "Export it again with 16 or 24 bits per sample",
            *(shown(path), samples),
        )
