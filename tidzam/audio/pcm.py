"""Containers that state the length of their data (WAV, RF64, BW64, W64, AIFF, AU, CAF), which may be wrong.

A header may lack the length (a pipe), hold an old one (a recorder that lost power) or its lower 32 bits (over 4 GiB).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from tidzam.audio.file_boundaries import SEARCHED, begins_file
from tidzam.audio.part import FileBytes, Part
from tidzam.audio.pcm_headers import Encoding, wav_header

_GUID_TAIL: Final = b"\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_WRAP: Final = 1 << 32
_NEAR: Final = 1 << 14
_JUNK_BYTES: Final = 4096
_MAX_CHUNKS: Final = 10_000
_TRAILING: Final = frozenset(
    b"LIST list INFO id3  ID3  bext cue  smpl inst acid JUNK junk FLLR PAD  PEAK iXML _PMX axml chna fact plst "
    b"adtl note labl afsp LGWV minf elm1 regn umid DGDA cart levl SNDM strc guan GUAN wamd XMP  MARK COMT NAME "
    b"AUTH ANNO (c)  APPL INST MIDI AESD SAXL CHAN SSND edit free uuid user kuki pakt strg mark regn ovvw peak".split(
        b" "
    )
)
"""Chunks that many programs write after the data. Such a chunk may itself break off."""
_WAVE: Final = re.compile(rb"WAVE(?:fmt |JUNK|ds64|bext|LIST)")
_TAGS: Final = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")


@dataclass(frozen=True)
class _Chunk:
    """A chunk of a container: `start` and `size` of its content, and where the next one begins."""

    name: bytes
    start: int
    size: int
    next: int


@dataclass(frozen=True)
class _Data:
    """The audio data of one file: `stated` bytes from `start` on, None if its header does not state it."""

    start: int
    stated: int | None
    bytes_per_s: int
    header: Callable[[int], bytes] | None
    """Creates a header for data of that many bytes; None if the encoding is not supported."""
    follows: Callable[[int], int | None]
    """Where the chunks end that begin at a position; None if none begin there."""


def pcm_parts(data: FileBytes) -> list[Part]:
    """The files in a file that begins with one of CONTAINERS, each a part whose header is right."""
    parts: list[Part] = []
    at = 0
    while at < data.size:
        part, end = _part(data, at)
        parts.append(part)
        if end >= data.size or data.at(end, 4) not in CONTAINERS:
            break
        at = end
    return parts


def _part(data: FileBytes, at: int) -> tuple[Part, int]:
    """The part that begins at a position, and where another may begin."""
    found = _FIND[data.at(at, 4)](data, at)
    if found is None:
        return Part(at, data.size), data.size
    if found.stated is not None and _is_placeholder(found.stated) and found.start + found.stated > data.size:
        found = replace(found, stated=None)
    end, behind = _data_end(data, found)
    available = end - found.start
    missing = (found.stated or 0) - available if found.stated and end == data.size else 0
    cut_short = missing > 1  # a byte may be the padding of an odd length
    stated_s = found.stated / found.bytes_per_s if cut_short and found.stated and found.bytes_per_s else None
    wrong = found.stated != available and not cut_short
    if found.header is not None and (wrong or available >= _WRAP - _NEAR or data.at(at, 4) in (b"RF64", b"BW64")):
        head = found.header(available)
        return Part(found.start, end, head=head, cut_short=cut_short, stated_s=stated_s), behind
    return Part(at, behind, cut_short=cut_short, stated_s=stated_s), behind


def _data_end(data: FileBytes, found: _Data) -> tuple[int, int]:
    """Where the audio data end, and the chunks after them."""
    if found.stated is None:
        return _until_next(data, found.start)
    end = found.start + found.stated
    while end < data.size:
        behind = _behind(data, end, found)
        if behind is not None:
            return end, behind
        if end + _WRAP > data.size:
            return _until_next(data, found.start)
        end += _WRAP
    return min(end, data.size), data.size


def _is_placeholder(stated: int) -> bool:
    return stated >= _WRAP - _NEAR or abs(stated - (1 << 31)) <= _NEAR


def _behind(data: FileBytes, end: int, found: _Data) -> int | None:
    """Where what follows the data ends; None if it belongs to the data."""
    for start in (end, end + 1):  # data of an odd length are padded, or should be
        if data.at(start, 4) in CONTAINERS and _begins_container(data.at(start, 12)):
            return start
        if start >= data.size or (behind := found.follows(start)) is not None:
            return data.size if start >= data.size else behind
    rest = data.size - end
    if begins_file(data, end) or data.at(end, 16).startswith(_TAGS):
        return end
    return data.size if rest < min(_JUNK_BYTES, found.bytes_per_s // 2) else None


def _until_next(data: FileBytes, start: int) -> tuple[int, int]:
    """The end of data without a length: that of the file, or where a WAV file was joined."""
    for at in data.find(_WAVE, start + 8, 8) if data.size - start < SEARCHED else ():
        if data.at(at - 8, 4) in CONTAINERS:
            return at - 8, at - 8
    return data.size, data.size


def _begins_container(start: bytes) -> bool:
    return start[8:12] in (b"WAVE", b"AIFF", b"AIFC") or start[:4] in (b".snd", b"caff", b"riff")


def _chunks(data: FileBytes, at: int, *, big_endian: bool = False, wide: bool = False) -> Iterator[_Chunk]:
    """The chunks from a position on, until something else follows: names of four letters and sizes."""
    header = struct.Struct((">" if big_endian else "<") + ("4sq" if wide else "4sI"))
    for _ in range(_MAX_CHUNKS):
        raw = data.at(at, header.size)
        if len(raw) < header.size:
            return
        name, size = header.unpack(raw)
        if not all(0x20 <= byte < 0x7F for byte in name) or size < -1:
            return
        start = at + header.size
        at = start + size + (0 if wide else size & 1)
        yield _Chunk(name, start, size, at)
        if size < 0:
            return


def riff_chunks(data: FileBytes, at: int) -> Iterator[tuple[bytes, int, int]]:
    """Name, start and size of each chunk of the RIFF, RF64 or BW64 file that begins at a position."""
    long_size, at = 0, at + 12
    while True:
        behind = None
        for chunk in _chunks(data, at):
            size = chunk.size
            if chunk.name == b"ds64":
                long_size = int.from_bytes(data.at(chunk.start + 8, 8), "little")
            elif chunk.name == b"data" and size == _WRAP - 1 and long_size:
                size, behind = long_size, chunk.start + long_size + (long_size & 1)
            yield chunk.name, chunk.start, size
            if behind is not None:
                break
        if behind is None:
            return
        at = behind


def _guid_chunks(data: FileBytes, at: int) -> Iterator[_Chunk]:
    """The chunks of Wave64: sizes count the header, and are filled up to eight bytes."""
    for _ in range(_MAX_CHUNKS):
        raw = data.at(at, 24)
        if len(raw) < 24 or not raw[:4].isascii():
            return
        size = int.from_bytes(raw[16:24], "little")
        if size < 24:
            size = 24 if raw[:4] == b"data" else 0
        if not size or not (raw[4:16] == _GUID_TAIL or raw[:4] == b"list"):
            return
        following = at + -(-size // 8) * 8
        yield _Chunk(raw[:4], at + 24, size - 24, following)
        at = following


def _followed_by(data: FileBytes, chunks: Callable[[int], Iterator[_Chunk]]) -> Callable[[int], int | None]:
    """The function that finds where chunks from a position on end: at the end of the file, or at another file."""

    def follows(at: int) -> int | None:
        end = None
        for chunk in chunks(at):
            if chunk.name in CONTAINERS and _begins_container(data.at(chunk.start - 8, 12)):
                return chunk.start - 8
            if chunk.next > data.size + 1:
                return data.size if chunk.name in _TRAILING and not begins_file(data, chunk.start - 8) else end
            end = chunk.next
            if end >= data.size - 1:
                return data.size
        if end is None or data.size - end < 16:
            return end and data.size
        return end if begins_file(data, end) or data.at(end, 16).startswith(_TAGS) else None

    return follows


def _find_wav(data: FileBytes, at: int) -> _Data | None:
    fmt, long_size = b"", None
    for chunk in _chunks(data, at + 12):
        if chunk.name == b"ds64":
            long_size = int.from_bytes(data.at(chunk.start + 8, 8), "little")
        elif chunk.name == b"fmt ":
            fmt = data.at(chunk.start, min(chunk.size, 1 << 16))
        elif chunk.name == b"data":
            stated = chunk.size
            if long_size is not None and stated == _WRAP - 1:
                stated = long_size if long_size < 1 << 62 else 0
            return _wav_data(fmt, chunk.start, stated, _followed_by(data, lambda start: _chunks(data, start)))
    return None


def _find_w64(data: FileBytes, at: int) -> _Data | None:
    fmt = b""
    for chunk in _guid_chunks(data, at + 40):
        if chunk.name == b"fmt ":
            fmt = data.at(chunk.start, min(chunk.size, 1 << 16))
        elif chunk.name == b"data":
            stated = chunk.size if chunk.size < 1 << 62 else 0
            return _wav_data(fmt, chunk.start, stated, _followed_by(data, lambda start: _guid_chunks(data, start)))
    return None


def _wav_data(fmt: bytes, start: int, stated: int, follows: Callable[[int], int | None]) -> _Data | None:
    if len(fmt) < 16:
        return None
    (bytes_per_s,) = struct.unpack_from("<I", fmt, 8)
    return _Data(start, stated, bytes_per_s, lambda size: wav_header(fmt, size), follows)


def _find_aiff(data: FileBytes, at: int) -> _Data | None:
    encoding = None
    for chunk in _chunks(data, at + 12, big_endian=True):
        if chunk.name == b"COMM":
            encoding = Encoding.of_aiff(data.at(chunk.start, min(chunk.size, 22)))
        elif chunk.name == b"SSND":
            offset = int.from_bytes(data.at(chunk.start, 4), "big")
            stated = max(0, chunk.size - 8 - offset)
            follows = _followed_by(data, lambda start: _chunks(data, start, big_endian=True))
            return _encoded(encoding, chunk.start + 8 + offset, stated, follows)
    return None


def _find_caf(data: FileBytes, at: int) -> _Data | None:
    encoding = None
    for chunk in _chunks(data, at + 8, big_endian=True, wide=True):
        if chunk.name == b"desc":
            encoding = Encoding.of_caf(data.at(chunk.start, 32))
        elif chunk.name == b"data":
            stated = None if chunk.size < 0 else max(0, chunk.size - 4)
            follows = _followed_by(data, lambda start: _chunks(data, start, big_endian=True, wide=True))
            return _encoded(encoding, chunk.start + 4, stated, follows)
    return None


def _find_au(data: FileBytes, at: int) -> _Data | None:
    raw = data.at(at, 24)
    if len(raw) < 24:
        return None
    offset, stated, code, rate_hz, channels = struct.unpack(">5I", raw[4:])
    encoding = Encoding.of_au(code, rate_hz, channels)
    return _encoded(encoding, at + offset, None if stated == _WRAP - 1 else stated, lambda _: None)


def _encoded(
    encoding: Encoding | None, start: int, stated: int | None, follows: Callable[[int], int | None]
) -> _Data | None:
    if encoding is None:
        return None
    return _Data(start, stated, encoding.frame_bytes * encoding.rate_hz, encoding.header, follows)


_FIND: Final[dict[bytes, Callable[[FileBytes, int], _Data | None]]] = {
    b"RIFF": _find_wav,
    b"RF64": _find_wav,
    b"BW64": _find_wav,
    b"riff": _find_w64,
    b"FORM": _find_aiff,
    b"caff": _find_caf,
    b".snd": _find_au,
}
CONTAINERS: Final = frozenset(_FIND)
