"""The parts of a file, decoded one after another as one."""

from __future__ import annotations

from contextlib import ExitStack
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from tidzam.audio.decoder import Decoder, check_bounds, empty
from tidzam.audio.ffmpeg import open_ffmpeg
from tidzam.audio.file_boundaries import next_file
from tidzam.audio.flac import is_flac, skip_header
from tidzam.audio.joined import parts_of
from tidzam.audio.part import FileBytes, Part
from tidzam.audio.sndfile import SndfileDecoder, open_sndfile
from tidzam.errors import AudioError
from tidzam.types import Float32

_READ_AHEAD: Final = 1 << 20
"""Bytes that a decoder may have read but not yet decoded."""
_SKIP_FRAMES: Final = 8192


class PartSequence:
    """The samples of a file, from `start_s` on. After `read` returned nothing, the faults are known.

    `expected_s` is the probable duration of the file.
    `cut_short`: it is truncated. `lost_s` of it could not be decoded. `other_format` describes the rest of the file
    if it has another format and is not read. `stated_s` is how long the file should be, if that is known and it was not
    read to its end. `complaint` is the error message of a decoder.
    """

    def __init__(self, path: Path, data: FileBytes, stack: ExitStack, start_s: float) -> None:
        """Raises AudioError if the file cannot be decoded, or ends before `start_s`; SetupError without ffmpeg."""
        self.cut_short = False
        self.lost_s = 0.0
        self.other_format = ""
        self.stated_s: float | None = None
        self.complaint = ""
        self._path = path
        self._data = data
        self._open = stack.enter_context(ExitStack())
        self._parts = list(_known_parts(data.identity, path)) if data.is_settled() else parts_of(data)
        self._following_part = 1
        self._decoder = self._enter(self._parts[0], start_s if len(self._parts) == 1 else 0.0)
        self.rate_hz, self.channels = self._decoder.rate_hz, self._decoder.channels
        self.frames = self._decoder.frames if len(self._parts) == 1 else None
        self.expected_s = self._decoder.stated_s if len(self._parts) == 1 else None
        self._before = 0
        self._ended = False
        if start_s:
            self._seek(round(start_s * self.rate_hz))

    def read(self, frames: int) -> Float32:
        """The next frames, float32 (at most `frames`, channels); none at the end."""
        while not self._ended:
            block = self._decoder.read(frames)
            self._at += len(block)
            if len(block):
                return block
            self._ended = not self._advance()
        return np.empty((0, self.channels), np.float32)

    def length(self) -> int | None:
        """The number of frames in the parts that are read, according to their headers; None if one does not state it.

        Call it before reading anything.
        """
        total = 0
        while self._decoder.frames is not None:
            total += self._decoder.frames
            if not self._advance():
                return total
        return None

    def _seek(self, frame: int) -> None:
        """Raises AudioError if the file ends before `frame`."""
        while self._decoder.frames is not None and frame >= self._decoder.frames:
            frame -= self._decoder.frames
            self._at = self._decoder.frames
            if not self._advance():
                raise empty(self._path)
        if isinstance(self._decoder, SndfileDecoder):
            self._decoder.seek(frame)
            self._at = frame
        elif len(self._parts) > 1:
            while frame and len(block := self.read(min(frame, _SKIP_FRAMES))):
                frame -= len(block)

    def _enter(self, part: Part, start_s: float) -> Decoder:
        """Close the current decoder, and open one for a part. Raises AudioError."""
        self._open.close()
        self._part, self._at = part, 0
        decoder: Decoder | None = open_sndfile(self._path, part, self._data)
        if isinstance(decoder, SndfileDecoder):
            self._open.callback(decoder.close)
        else:
            decoder = self._open.enter_context(open_ffmpeg(self._path, part, self._data.size, start_s))
        check_bounds(self._path, decoder.rate_hz, decoder.channels)
        return decoder

    def _advance(self) -> bool:
        """Continue with the next part that can be decoded, if it has the same format."""
        following = self._following()
        self._note_faults(is_last=following is None)
        self._before += self._at
        while following is not None:
            try:
                decoder = self._enter(following, 0.0)
            except AudioError:
                self.complaint = self.complaint or "a file that was joined to it cannot be decoded"
                following = self._following()
                continue
            if (decoder.rate_hz, decoder.channels) == (self.rate_hz, self.channels):
                self._decoder = decoder
                return True
            self._stop_at(decoder)
            return False
        return False

    def _following(self) -> Part | None:
        if self._following_part == len(self._parts) and is_flac(self._data, self._part.start):
            begun = skip_header(self._data, self._part.start)
            found = next_file(self._data, max(begun, self._decoder.consumed() - _READ_AHEAD))
            if found is not None:
                self._parts.extend(parts_of(self._data, found))
        if self._following_part >= len(self._parts):
            return None
        self._following_part += 1
        return self._parts[self._following_part - 1]

    def _note_faults(self, *, is_last: bool) -> None:
        """Note what is missing in the part that was decoded: its end, or something before it."""
        part, decoder = self._part, self._decoder
        missing_s = max(0.0, (decoder.stated_s or 0.0) - self._at / self.rate_hz)
        self.complaint = self.complaint or decoder.complaint
        lost_s = max(part.lost_s, decoder.lost_frames / self.rate_hz)
        if is_last and (part.cut_short or (decoder.cut_short and not decoder.resynchronizes)):
            self.cut_short = True
            read_s = (self._before + self._at) / self.rate_hz
            self.stated_s = part.stated_s or (read_s + missing_s if missing_s else None)
        elif part.cut_short or decoder.cut_short:
            lost_s = missing_s or lost_s
            self.complaint = self.complaint or "one of the files joined in it is truncated"
        self.lost_s += lost_s

    def _stop_at(self, decoder: Decoder) -> None:
        """Note the other format of the rest, and the total duration."""
        if decoder.rate_hz != self.rate_hz:
            self.other_format = f"is at {decoder.rate_hz} Hz, not at {self.rate_hz} Hz"
        else:
            self.other_format = f"has {_channels(decoder.channels)}, not {_channels(self.channels)}"
        total_s = self._before / self.rate_hz
        while decoder.stated_s is not None:
            total_s += decoder.stated_s
            following = self._following()
            if following is None:
                self.stated_s = total_s
                return
            decoder = self._enter(following, 0.0)


@lru_cache(maxsize=16)
def _known_parts(_: object, path: Path) -> tuple[Part, ...]:
    """The parts of a file as it was when it had that identity: programs read a long file piece by piece."""
    with path.open("rb") as file:
        return tuple(parts_of(FileBytes(file.fileno())))


def _channels(count: int) -> str:
    return "one channel" if count == 1 else f"{count} channels"
