"""Where an audio file begins that was appended to another, and the tags that may lie between them."""

from __future__ import annotations

import re
from typing import Final

from tidzam.audio.part import FileBytes

_ID3: Final = rb"ID3[\x02-\x04][\x00-\x10].[\x00-\x7f]{4}"
_START: Final = re.compile(
    rb"(?:RIFF|RF64|BW64|RIFX).{4}WAVE|FORM.{4}AIF[FC]|caff\x00\x01\x00\x00desc|\.snd\x00\x00..|riff\x2e\x91\xcf\x11"
    rb"|fLaC[\x00\x80]\x00\x00\x22|OggS\x00\x02|wvpk.{4}[\x02-\x10]\x04|.{4}ftyp[A-Za-z0-9 ]{4}|" + _ID3,
    re.DOTALL,
)
_START_BYTES: Final = 16
_ID3_TAG: Final = re.compile(_ID3, re.DOTALL)
_MAX_TAGS: Final = 64
_PADDING: Final = 1 << 20
SEARCHED: Final = 1 << 28
"""The most bytes that are searched for a joined file: those are rare, and huge files should not be read twice."""


def begins_file(data: FileBytes, at: int) -> bool:
    """Whether a file of one of the usual formats begins at a byte, or an ID3 tag in front of one."""
    return _START.match(data.at(at, _START_BYTES)) is not None


def next_file(data: FileBytes, at: int) -> int | None:
    """Where the next file begins from a byte on; None if none does."""
    if data.size - at > SEARCHED:
        return at if begins_file(data, at) else None
    found = data.find(_START, at, _START_BYTES)
    return next((start for start in found if skip_tags(data, start) < data.size), None)


def skip_tags(data: FileBytes, at: int, *, padding: bool = True) -> int:
    """The first byte after the tags (and zeros, with `padding`) that begin at a byte."""
    for _ in range(_MAX_TAGS):
        length = tag_length(data.at(at, 32)) or (padding and _zeros(data, at))
        if not length:
            break
        at += length
    return min(at, data.size)


def skip_id3(data: FileBytes, at: int = 0) -> int:
    """The first byte after the ID3v2 tags that begin at a byte."""
    for _ in range(_MAX_TAGS):
        header = data.at(at, 32)
        if not _ID3_TAG.match(header):
            break
        at += tag_length(header)
    return at


def tag_length(header: bytes) -> int:
    """The length of an ID3 or APE tag, by its first 32 bytes; 0 if there is none."""
    if _ID3_TAG.match(header):
        size = header[6] << 21 | header[7] << 14 | header[8] << 7 | header[9]
        return 10 + size + (10 if header[5] & 0x10 else 0)
    if header.startswith(b"TAG"):
        return 128
    if header.startswith(b"APETAGEX") and len(header) >= 32:
        return 32 + (int.from_bytes(header[12:16], "little") if header[23] & 0x20 else 0)
    return 0


def _zeros(data: FileBytes, at: int) -> int:
    chunk = data.at(at, _PADDING)
    return len(chunk) - len(chunk.lstrip(b"\0"))
