"""Files that were joined end to end (`cat a.ogg b.ogg`): where each of them begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from tidzam.audio.flac import is_flac, starts_of_flac, states_length
from tidzam.audio.mpeg import mpeg_parts, parse_frame
from tidzam.audio.ogg import ogg_parts
from tidzam.audio.part import Bytes, Part
from tidzam.audio.pcm import CONTAINERS, pcm_parts

_MATROSKA: Final = re.compile(rb"\x1a\x45\xdf\xa3(?=.{1,60}(?:webm|matroska))", re.DOTALL)
_ASF: Final = re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
_WAVPACK: Final = re.compile(rb"wvpk.{4}[\x02-\x10]\x04", re.DOTALL)
_BOX: Final = re.compile(rb"[A-Za-z0-9 ]{4}")


def parts_of(data: Bytes) -> list[Part]:
    """The parts of a file, in order; one, if it is not known how its format is joined.

    Of FLAC that states its length there is one, all of the file: to find what follows it is to read all of the file.
    Whoever has decoded the first looks for the next with `next_flac`.
    """
    start = data.at(0, 16)
    if start[:4] in CONTAINERS:
        return pcm_parts(data)
    if start.startswith(b"OggS"):
        return ogg_parts(data)
    if is_flac(data):
        return [Part(0, data.size)] if states_length(data) else _split(data, starts_of_flac(data))
    if start.startswith(b"ID3") or parse_frame(start[:4]):
        return mpeg_parts(data)
    for begins, find in _FINDERS:
        if begins(start):
            return _split(data, find(data))
    return [Part(0, data.size)]


def _split(data: Bytes, starts: Iterator[int]) -> list[Part]:
    borders = [0, *(at for at in starts if at > 0), data.size]
    return [Part(*span) for span in pairwise(borders)]


def _boxes(data: Bytes) -> Iterator[int]:
    """Where the boxes of type ftyp begin that an MP4 file holds at its top level."""
    at = 0
    while len(header := data.at(at, 16)) >= 8 and _BOX.match(header, 4):
        if header[4:8] == b"ftyp":
            yield at
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if size < 8:
            return
        at += size


def _wavpack_blocks(data: Bytes) -> Iterator[int]:
    """Where the WavPack blocks begin whose number is lower than that of the block before: another file begins."""
    at, last = 0, 0
    while at < data.size:
        header = data.at(at, 32)
        if not _WAVPACK.match(header) or len(header) < 32:  # tags, or something damaged
            at = next(data.find(_WAVPACK, at + 1, 10), data.size)
            continue
        size, number, samples = (int.from_bytes(header[k : k + 4], "little") for k in (4, 16, 20))
        if samples and number < last:
            yield at
        last = number if samples else last
        at += 8 + size


_FINDERS: Final[tuple[tuple[Callable[[bytes], object], Callable[[Bytes], Iterator[int]]], ...]] = (
    (lambda start: start[4:8] == b"ftyp", _boxes),
    (lambda start: start.startswith(b"wvpk"), _wavpack_blocks),
    (lambda start: start.startswith(b"\x1a\x45\xdf\xa3"), lambda data: data.find(_MATROSKA, 0, 80)),
    (_ASF.match, lambda data: data.find(_ASF, 0, 16)),
)
