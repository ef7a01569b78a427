"""FLAC: where joined files begin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tidzam.audio.file_boundaries import skip_id3
from tidzam.audio.part import FileBytes

_START: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_START_BYTES: Final = 8
_LAST_BLOCK: Final = 0x80
_MAX_BLOCKS: Final = 1000


def is_flac(data: FileBytes, at: int = 0) -> bool:
    """Whether FLAC begins at a byte, or after the ID3 tags there."""
    return _START.match(data.at(skip_id3(data, at), _START_BYTES)) is not None


def skip_header(data: FileBytes, at: int) -> int:
    """Where the audio data begins of the FLAC file that begins at a byte, or after the ID3 tags there.

    What lies before it may hold the header of another file: that of the WAV file it was made from.
    """
    at = skip_id3(data, at) + 4
    for _ in range(_MAX_BLOCKS):
        header = data.at(at, 4)
        at += 4 + int.from_bytes(header[1:], "big")
        if len(header) < 4 or header[0] & _LAST_BLOCK:
            break
    return at


def states_length(data: FileBytes) -> bool:
    """Whether a FLAC file states its number of samples. One that was written to a pipe does not."""
    total = data.at(skip_id3(data) + 21, 5)
    return any(total[1:]) or bool(total[:1] and total[0] & 0x0F)


def next_flac(data: FileBytes, start: int) -> int | None:
    """Where the next FLAC file begins at or after a position; None if there is none, which takes a full read."""
    return next(starts_of_flac(data, start), None)


def starts_of_flac(data: FileBytes, start: int = 0) -> Iterator[int]:
    """Where FLAC files begin at or after a position."""
    return data.find(_START, start, _START_BYTES)
