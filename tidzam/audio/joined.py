"""Files that were joined end to end (`cat a.ogg b.ogg`): where each of them begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Final

from tidzam.audio.file_boundaries import SEARCHED, next_file, skip_id3, skip_tags
from tidzam.audio.flac import is_flac, starts_of_flac, states_length
from tidzam.audio.mpeg import begins_mpeg, mpeg_parts, parse_frame
from tidzam.audio.ogg import ogg_parts
from tidzam.audio.part import FileBytes, FileTail, Part
from tidzam.audio.pcm import CONTAINERS, pcm_parts

_MATROSKA: Final = re.compile(rb"\x1a\x45\xdf\xa3(?=.{1,60}(?:webm|matroska))", re.DOTALL)
_ASF: Final = re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c")
_WAVPACK: Final = re.compile(rb"wvpk.{4}[\x02-\x10]\x04", re.DOTALL)
_IGNORED_BYTES: Final = 4096
"""Bytes after the end of a file that are ignored without a warning."""
_SIZE_ZEROS: Final = 3
"""Zeros that an MP4 file begins with: they are part of a length."""
_NAME_BYTES: Final = 12
_BOX: Final = re.compile(rb"[A-Za-z0-9 ]{4}")


def parts_of(data: FileBytes, start: int = 0) -> list[Part]:
    """The parts of a file from a byte on, in order; one, if it is not known how its format is joined.

    Files of other formats may follow, after tags. FLAC that states its length is one part up to the end of the file,
    since finding the next file requires reading all of it: after decoding it, call `next_file`.
    """
    parts: list[Part] = []
    following: int | None = start
    while following is not None:
        parts += (part.moved(following) for part in _of_one_format(FileTail(data, following) if following else data))
        end = skip_tags(data, parts[-1].end)
        searched_from = max(parts[-1].end, end - _SIZE_ZEROS)
        following = end if begins_mpeg(data, end) else next_file(data, searched_from)
        if following is None and data.size - end > _IGNORED_BYTES:
            parts[-1] = replace(parts[-1], cut_short=True)
    tags_are_read = data.at(skip_id3(data, start), 4) in (*CONTAINERS, b"OggS")  # other decoders fail on them
    if len(parts) == 1 and tags_are_read and not parts[0].head and not parts[0].cut_short:
        return [replace(parts[0], end=data.size)] if skip_tags(data, parts[0].end) == data.size else parts
    return parts


def _of_one_format(data: FileBytes) -> list[Part]:
    """The parts of the format that a file begins with, up to where that ends."""
    after = skip_id3(data)
    start = data.at(after, 16)
    if start[:4] in CONTAINERS:
        return [part.moved(after) for part in pcm_parts(FileTail(data, after) if after else data)]
    if start.startswith(b"OggS"):
        return [part.moved(after) for part in ogg_parts(FileTail(data, after) if after else data)]
    if is_flac(data):
        return [Part(0, data.size)] if states_length(data) else _split(data, starts_of_flac(data, after + 1))
    if start.startswith(b"wvpk"):
        return [part.moved(after) for part in _wavpack_parts(FileTail(data, after) if after else data)]
    if after or parse_frame(start[:4]):
        return mpeg_parts(data)
    if start[4:8] == b"ftyp":
        return _mp4_parts(data)
    for begins, find in _FINDERS:
        if begins(start):
            return _split(data, find(data))
    return _split(data, _repeats(data, start[:_NAME_BYTES]))


def _split(data: FileBytes, starts: Iterator[int]) -> list[Part]:
    borders = [0, *(at for at in starts if at > 0), data.size]
    return [Part(*span) for span in pairwise(borders)]


def _repeats(data: FileBytes, name: bytes) -> Iterator[int]:
    """Where a file of a format unknown here begins again: with the same bytes, if they can be the name of a format."""
    if data.size <= SEARCHED and len(name) == _NAME_BYTES and name[:3].isalnum() and len(set(name)) > _NAME_BYTES // 3:
        yield from data.find(re.compile(re.escape(name)), len(name), len(name))


def _mp4_parts(data: FileBytes) -> list[Part]:
    """The MP4 files in a file: each begins with a box of type ftyp at the top level, and ends as its last box does."""
    starts, at = [], 0
    while len(header := data.at(at, 16)) >= 8 and _BOX.match(header, 4):
        if header[4:8] == b"ftyp":
            starts.append(at)
        size = int.from_bytes(header[:4], "big")
        if size == 1:
            size = int.from_bytes(header[8:16], "big")
        if size < 8:
            at = data.size
        at += size
    return [Part(*span) for span in pairwise([*starts, min(at, data.size)])]


def _wavpack_parts(data: FileBytes) -> list[Part]:
    """The WavPack files in a file, without the tags after each.

    Another begins at a block whose number is lower than that of the block before.
    """
    starts, ends, at, last = [0], [data.size], 0, 0
    while at < data.size:
        header = data.at(at, 32)
        if not _WAVPACK.match(header) or len(header) < 32:  # tags, or something damaged
            at = next(data.find(_WAVPACK, at + 1, 10), data.size)
            continue
        size, number, samples = (int.from_bytes(header[k : k + 4], "little") for k in (4, 16, 20))
        if samples and number < last:
            starts.append(at)
            ends.append(data.size)
        last = number if samples else last
        at = ends[-1] = min(at + 8 + size, data.size)
    return [Part(*span) for span in zip(starts, ends, strict=True)]


_FINDERS: Final[tuple[tuple[Callable[[bytes], object], Callable[[FileBytes], Iterator[int]]], ...]] = (
    (lambda start: start.startswith(b"\x1a\x45\xdf\xa3"), lambda data: data.find(_MATROSKA, 0, 80)),
    (_ASF.match, lambda data: data.find(_ASF, 0, 16)),
)
