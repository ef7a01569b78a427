"""MPEG audio (MP1, MP2, MP3): where another file begins in it, and how much of it is damaged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tidzam.audio.file_boundaries import begins_file, tag_length
from tidzam.audio.part import FileBytes, Part

_BIT_RATES_KBPS: Final = {
    (1, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""By MPEG version (2 is also 2.5) and layer; layer III of version 2 has the rates of its layer II."""
_RATES_HZ: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_SYNC: Final = re.compile(rb"\xff[\xe2-\xff][\x10-\xeb]")
_READ: Final = 1 << 16
_HEADER: Final = 56
"""Bytes that hold a frame header and the part of an Xing or VBRI header with the stream's length."""
_TOLERATED_FRAMES: Final = 2


@dataclass(frozen=True)
class Frame:
    """The content of a frame header. Frames of one stream agree in everything but `size`."""

    size: int
    rate_hz: int
    mono: bool
    layer: int
    samples: int

    def is_like(self, other: Frame) -> bool:
        return (self.rate_hz, self.mono, self.layer) == (other.rate_hz, other.mono, other.layer)


def parse_frame(header: bytes) -> Frame | None:
    """The frame header in four bytes; None if it is not one, or does not determine the size."""
    if len(header) < 4 or not _SYNC.match(header):
        return None
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    bit_rate, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or not 0 < bit_rate < 15:
        return None
    generation = 1 if version == 3 else 2
    rate_hz = _RATES_HZ[version][rate]
    kbps = _BIT_RATES_KBPS[generation, layer if generation == 1 else min(layer, 2)][bit_rate]
    samples = 384 if layer == 1 else 576 if layer == 3 and generation == 2 else 1152
    unit = 4 if layer == 1 else 1
    size = (samples // 8 // unit * kbps * 1000 // rate_hz + padding) * unit
    return Frame(size, rate_hz, header[3] >> 6 == 3, layer, samples)


def begins_mpeg(data: FileBytes, at: int) -> bool:
    """Whether frames of one format begin at a byte."""
    frame = parse_frame(data.at(at, 4))
    return frame is not None and _Walk(data).is_followed(at, frame)


def mpeg_parts(data: FileBytes) -> list[Part]:
    """The streams, each a part: another begins at an ID3 tag, at an Xing or VBRI header, or where the format changes.

    A stream whose header states more frames than follow is cut short.
    """
    streams = _Walk(data).run()
    starts = [0, *(stream.start for stream in streams[1:])]
    if not streams:
        return [Part(0, data.size)]
    return [stream.part(start, stream.end) for start, stream in zip(starts, streams, strict=True)]


@dataclass
class _Stream:
    """Frames of one format, as they are found."""

    start: int
    first: Frame
    stated: int
    frames: int = 0
    lost: int = 0
    end: int = 0

    def part(self, start: int, end: int) -> Part:
        frame_s = self.first.samples / self.first.rate_hz
        missing = self.stated - self.frames - self.lost
        if missing > _TOLERATED_FRAMES and self.lost:
            return Part(start, end, lost_s=(self.lost + missing) * frame_s)
        if missing > _TOLERATED_FRAMES:
            return Part(start, end, cut_short=True, stated_s=self.stated * frame_s)
        return Part(start, end, lost_s=self.lost * frame_s)


class _Walk:
    """Goes from frame to frame through a file."""

    def __init__(self, data: FileBytes) -> None:
        self._data = data
        self._parsed: dict[bytes, Frame | None] = {}
        self._base, self._buffer = 0, b""
        self._streams: list[_Stream] = []
        self._format: Frame | None = None
        self._tag_at: int | None = None

    def run(self) -> list[_Stream]:
        at = 0
        while at < self._data.size:
            header = self._at(at, _HEADER)
            frame = self._frame(header[:4])
            if frame is not None and (frame.is_like(self._format) if self._format else self.is_followed(at, frame)):
                self._take(at, frame, header)
                at += frame.size
            elif length := tag_length(header):
                if self._tag_at is None and header.startswith(b"ID3"):
                    self._tag_at = at
                at += length
            else:
                at = self._resume(at)
        return self._streams

    def _take(self, at: int, frame: Frame, header: bytes) -> None:
        stated = _stated_frames(header, frame)
        if self._format is None or self._tag_at is not None or stated is not None:
            start = at if self._tag_at is None else self._tag_at
            self._streams.append(_Stream(start, frame, stated or 0, frames=0 if stated is None else -1))
            self._tag_at = None
        self._format = frame
        self._streams[-1].frames += 1
        self._streams[-1].end = min(at + frame.size, self._data.size)

    def _resume(self, at: int) -> int:
        """Where the next frame begins after something else. What was lost of the stream is counted."""
        found = None if begins_file(self._data, at) else self._search(at)
        if found is None:
            return self._data.size
        start, frame = found
        if self._format is not None and frame.is_like(self._format):
            self._streams[-1].lost += max(1, round((start - at) / self._format.size))
        else:
            self._format = None
        return start

    def _search(self, at: int) -> tuple[int, Frame] | None:
        for start in self._data.find(_SYNC, at, 3):
            frame = self._frame(self._data.at(start, 4))
            if frame is not None and self.is_followed(start, frame):
                return start, frame
        return None

    def is_followed(self, at: int, frame: Frame) -> bool:
        """Whether two frames of the same format follow it, or the end of the file."""
        for _ in range(2):
            at += frame.size
            if at >= self._data.size:
                return True
            following = self._frame(self._data.at(at, 4))
            if following is None or not frame.is_like(following):
                return False
            frame = following
        return True

    def _frame(self, header: bytes) -> Frame | None:
        if header not in self._parsed:
            self._parsed[header] = parse_frame(header)
        return self._parsed[header]

    def _at(self, at: int, count: int) -> bytes:
        offset = at - self._base
        if not 0 <= offset <= len(self._buffer) - count:
            self._base, self._buffer, offset = at, self._data.at(at, _READ), 0
        return self._buffer[offset : offset + count]


def _stated_frames(header: bytes, frame: Frame) -> int | None:
    """How many frames an Xing, Info (LAME) or VBRI header states, 0 if it does not; None if the frame holds audio."""
    if frame.layer != 3:
        return None
    side = (17 if frame.mono else 32) if frame.samples == 1152 else (9 if frame.mono else 17)
    if header[4 + side : 8 + side] in (b"Xing", b"Info"):
        return int.from_bytes(header[12 + side : 16 + side], "big") if header[11 + side] & 1 else 0
    return int.from_bytes(header[50:54], "big") if header[36:40] == b"VBRI" else None
