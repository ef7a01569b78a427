"""Ogg pages (RFC 3533): found in a stream of bytes, renumbered; the headers are kept for later connections."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from tidzam.audio.ogg_checksum import ogg_checksum

CAPTURE = b"OggS"
_UNKNOWN_CODEC_HEADERS = 2
"""Most mappings begin with an identification and a comment packet."""

_HEADER = struct.Struct("<4sBBqIIIB")
_SEQUENCE_AT, _CHECKSUM_AT = 18, 22
_CONTINUES, _FIRST = 1, 2
_WHOLE_SEGMENT = 255


@dataclass(frozen=True)
class Page:
    """One page. `packets` is the number of packets that end in it."""

    data: bytes
    is_first: bool
    serial: int
    sequence: int
    packets: int

    @property
    def content(self) -> bytes:
        """Its bytes after the header."""
        return self.data[_HEADER.size + self.data[_HEADER.size - 1] :]

    def numbered(self, sequence: int) -> bytes:
        """Its bytes as page number `sequence` of its stream."""
        if sequence == self.sequence:
            return self.data
        page = bytearray(self.data)
        struct.pack_into("<I", page, _SEQUENCE_AT, sequence)
        struct.pack_into("<I", page, _CHECKSUM_AT, 0)
        struct.pack_into("<I", page, _CHECKSUM_AT, ogg_checksum(page))
        return bytes(page)


class PageReader:
    """Finds the pages in chunks of bytes. Anything else is skipped."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Page]:
        """The pages that `data` completes."""
        self._rest += data
        while (begin := self._rest.find(CAPTURE)) >= 0:
            self._rest = self._rest[begin:]
            length = _length(self._rest)
            if length is None or len(self._rest) < length:
                return
            page = _parse(self._rest[:length])
            self._rest = self._rest[length if page else len(CAPTURE) :]
            if page:
                yield page
        self._rest = self._rest[-len(CAPTURE) + 1 :]


def _length(data: bytes) -> int | None:
    """The number of bytes of the page at the beginning of `data`; None while its header is incomplete."""
    if len(data) < _HEADER.size:
        return None
    segments = data[_HEADER.size - 1]
    table = data[_HEADER.size : _HEADER.size + segments]
    return _HEADER.size + segments + sum(table) if len(table) == segments else None


def _parse(data: bytes) -> Page | None:
    """The page whose bytes are `data`; None if its checksum is wrong."""
    _, version, flags, _, serial, sequence, expected, segments = _HEADER.unpack_from(data)
    unsigned = data[:_CHECKSUM_AT] + bytes(4) + data[_CHECKSUM_AT + 4 :]
    if version != 0 or ogg_checksum(unsigned) != expected:
        return None
    table = data[_HEADER.size : _HEADER.size + segments]
    packets = sum(segment < _WHOLE_SEGMENT for segment in table)
    return Page(data, bool(flags & _FIRST), serial, sequence, packets)


def header_packets(identification: bytes) -> int:
    """The number of packets before the first audio packet of a stream that begins with `identification`.

    Vorbis: identification, comment and setup. Opus (RFC 7845): identification and comment. FLAC (its mapping to Ogg,
    version 1) and Speex state the number of further ones.
    """
    if identification.startswith(b"\x01vorbis"):
        return 3
    if identification.startswith(b"\x7fFLAC") and len(identification) >= 9:
        return 1 + max(1, int.from_bytes(identification[7:9], "big"))
    if identification.startswith(b"Speex   ") and len(identification) >= 72:
        return 2 + int.from_bytes(identification[68:72], "little")
    return _UNKNOWN_CODEC_HEADERS


class Headers:
    """The header pages of the latest stream, which a listener needs before any audio."""

    def __init__(self) -> None:
        self._wanted = self._found = 0
        self.pages: tuple[Page, ...] = ()

    @property
    def complete(self) -> bool:
        return bool(self.pages) and self._found >= self._wanted

    def take(self, page: Page) -> None:
        """Keep `page` if it is a header."""
        if page.is_first:
            self.pages, self._found, self._wanted = (), 0, header_packets(page.content)
        if self._found < self._wanted:
            self.pages += (page,)
            self._found += page.packets
