"""Decoding by libsndfile, in this process."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import soundfile

from tidzam.audio.decoder import empty
from tidzam.audio.flac import is_flac, next_flac, skip_header
from tidzam.audio.mpeg import parse_frame
from tidzam.audio.part import FileBytes, Part, PartFile
from tidzam.audio.resync import frame_after_damage, frames_before_damage
from tidzam.types import Float32

_UNKNOWN: Final = 1 << 60


def open_sndfile(path: Path, part: Part, data: FileBytes) -> SndfileDecoder | None:
    """A decoder of a part of a file; None if ffmpeg is to decode it.

    ffmpeg does if libsndfile cannot decode it, would change the order of channels (Ogg puts the center between left and
    right; ffmpeg, and mpv in the live path, put it after them), or would write to the terminal (damaged or truncated
    MP3).
    """
    head = data.at(part.start, 4)
    if (part.lost_s and head != b"OggS") or (part.cut_short and _is_mpeg(head)):
        return None
    try:
        view = PartView(path, part, data)
        file = view.open()
    except (soundfile.LibsndfileError, OSError, TypeError):  # TypeError: a format that has no name
        return None
    unordered = file.format == "OGG" and file.channels > 2
    endless = file.format == "FLAC" and file.frames >= _UNKNOWN  # libsndfile loses the end of such a file
    if unordered or endless or not file.seekable():
        file.close()
        return None
    return SndfileDecoder(view, file)


def _is_mpeg(head: bytes) -> bool:
    """Whether a part that begins with these 4 bytes is MPEG audio, perhaps after a tag."""
    return head.startswith(b"ID3") or parse_frame(head) is not None


class PartView:
    """A part of a file as libsndfile opens it: the file itself if the part is all of it, which is faster."""

    def __init__(self, path: Path, part: Part, data: FileBytes) -> None:
        self.path = path
        self.part = part
        self._data = data
        self._descriptor: int | None = None
        self._file: PartFile | None = None
        self._is_bounded = False

    def open(self) -> soundfile.SoundFile:
        """The part from its beginning. Raises LibsndfileError."""
        if (self.part.start, self.part.end, self.part.head) != (0, self._data.size, b""):
            self._file = PartFile(self.path, self.part)
            return soundfile.SoundFile(self._file)
        if self._is_bounded or not is_flac(self._data):
            return soundfile.SoundFile(os.fsencode(self.path))  # soundfile refuses a str that is not valid UTF-8
        self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return soundfile.SoundFile(self._descriptor, closefd=True)

    def consumed(self) -> int:
        """The position in bytes up to which the file opened last has been read. Decoders read ahead a little."""
        if self._is_bounded:
            return self.part.end
        if self._descriptor is not None:
            return os.lseek(self._descriptor, 0, os.SEEK_CUR)
        return self.part.start + (0 if self._file is None else self._file.tell() - len(self.part.head))

    def forget(self) -> None:
        """Note that the file was closed."""
        self._descriptor = self._file = None

    def end_at_next_flac(self) -> None:
        """Exclude a file that was joined to this one: a decoder that searches for the end of damage would find it."""
        if is_flac(self._data, self.part.start) and not self._is_bounded:
            end = next_flac(self._data, skip_header(self._data, self.part.start)) or self.part.end
            self.part, self._is_bounded = replace(self.part, end=min(end, self.part.end)), True


class SndfileDecoder:
    """An open part. Silence takes the place of what cannot be decoded."""

    complaint = ""

    def __init__(self, view: PartView, file: soundfile.SoundFile) -> None:
        self.rate_hz: int = file.samplerate
        self.channels: int = file.channels
        self.frames: int | None = file.frames if file.frames < _UNKNOWN else None
        self.stated_s = None if self.frames is None else self.frames / self.rate_hz
        self.cut_short = False
        self.lost_frames = 0
        self.resynchronizes = file.format == "OGG"
        self._states_length = file.format != "MP3"  # often no more than an estimate
        self._view = view
        self._file = file
        self._at = 0
        self._silent = 0
        self._ended = False

    def seek(self, frame: int) -> None:
        """Go to `frame` of the part. Raises AudioError if the part is truncated before it."""
        try:
            self._at = self._file.seek(frame)
        except soundfile.LibsndfileError:
            self._view.end_at_next_flac()
            self._at = frame
            self._resume_after(frame)
            if self._ended:
                raise empty(self._view.path) from None

    def read(self, frames: int) -> Float32:
        block = self._silence(frames) if self._silent else self._decode(frames)
        self._at += len(block)
        return block

    def consumed(self) -> int:
        return self._view.consumed()

    def close(self) -> None:
        self._file.close()
        self._view.forget()

    def _silence(self, frames: int) -> Float32:
        count = min(frames, self._silent)
        self._silent -= count
        return np.zeros((count, self.channels), np.float32)

    def _decode(self, frames: int) -> Float32:
        if self._ended:
            return np.empty((0, self.channels), np.float32)
        try:
            block: Float32 = self._file.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            return self._recover(frames)
        if not len(block) and self._states_length and self.frames is not None and self._at < self.frames:
            self.cut_short = True
        return block

    def _recover(self, frames: int) -> Float32:
        """What can be decoded before the damage. Silence follows, up to where decoding is possible again, if it is."""
        self._view.end_at_next_flac()
        good = frames_before_damage(self._view.open, self._at, frames, self.channels)
        self._resume_after(self._at + len(good))
        return good if len(good) else self._silence(frames)

    def _resume_after(self, at: int) -> None:
        resumed = None if self.frames is None else frame_after_damage(self._view.open, at, self.frames)
        if resumed is None:
            self.cut_short = self._ended = True
            return
        self._file.close()
        self._file = self._view.open()
        self._file.seek(resumed)
        self._silent = resumed - at
        self.lost_frames += self._silent
