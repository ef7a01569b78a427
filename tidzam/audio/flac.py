"""FLAC: where another file was joined to one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from tidzam.audio.part import Bytes

_START: Final = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22")
_START_BYTES: Final = 8


def is_flac(data: Bytes, at: int = 0) -> bool:
    """Whether FLAC begins at a byte, or behind an ID3 tag there."""
    return _START.match(data.at(_behind_id3(data, at), _START_BYTES)) is not None


def states_length(data: Bytes) -> bool:
    """Whether a FLAC file says how many samples it has. One that was written to a pipe does not."""
    total = data.at(_behind_id3(data, 0) + 21, 5)
    return any(total[1:]) or bool(total[:1] and total[0] & 0x0F)


def next_flac(data: Bytes, start: int) -> int | None:
    """Where the next FLAC file begins from a byte on; None if none does. Reads all of the rest to say that."""
    return next(starts_of_flac(data, start), None)


def starts_of_flac(data: Bytes, start: int = 0) -> Iterator[int]:
    """Where FLAC files begin from a byte on."""
    return data.find(_START, start, _START_BYTES)


def _behind_id3(data: Bytes, at: int) -> int:
    start = data.at(at, 10)
    if start.startswith(b"ID3") and len(start) == 10:
        return at + 10 + (start[6] << 21 | start[7] << 14 | start[8] << 7 | start[9])
    return at
