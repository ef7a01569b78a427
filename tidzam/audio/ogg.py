"""Ogg (RFC 3533): the links of a chained file, and what was lost of them. Radio recordings and joined files are
chained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tidzam.audio.file_boundaries import begins_file, skip_tags
from tidzam.audio.ogg_checksum import ogg_checksum
from tidzam.audio.part import FileBytes, Part

_PAGE: Final = re.compile(rb"OggS\x00[\x00-\x07]")
_HEADER: Final = 27
_FIRST, _LAST = 2, 4
_MAX_BAD: Final = 10_000
"""Damaged pages after which a file is not searched any further: it was made to take long."""
_NO_TIME: Final = (1 << 64) - 1
_OPUS_HZ: Final = 48000


@dataclass(frozen=True)
class _Page:
    """A page: its bytes from `start` to `end`, `time` in frames at its end, and its sequence `number`."""

    start: int
    end: int
    flags: int
    serial: bytes
    time: int
    number: int
    is_good: bool
    first_bytes: bytes


class _Link:
    """A link, as its pages are found. What is lost is judged by its first stream."""

    def __init__(self, first: _Page) -> None:
        self.start = first.start
        self.lost_s = 0.0
        self.unended: set[bytes] = set()
        self.breaks_off = False
        self._serial = first.serial
        self._rate_hz = _rate_of(first.first_bytes)
        self._good = first

    def add(self, page: _Page) -> None:
        if page.flags & _FIRST:
            self.unended.add(page.serial)
        if page.flags & _LAST:
            self.unended.discard(page.serial)
        if page.serial != self._serial or not page.is_good or page.time == _NO_TIME:
            return
        pages, frames = page.number - self._good.number, page.time - self._good.time
        if pages > 1 and frames > 0 and self._rate_hz and self._good.is_good:
            self.lost_s += frames / self._rate_hz * (pages - 1) / pages
        self._good = page


def ogg_parts(data: FileBytes) -> list[Part]:
    """The links, each a part. One is cut short if its last page is; the last also if a stream in it does not end."""
    links: list[_Link] = []
    follows_first = False
    end = data.size
    for page in _pages(data):
        end = page.end
        is_first = bool(page.flags & _FIRST)
        if not links or (is_first and not follows_first):
            links.append(_Link(page))
        links[-1].add(page)
        links[-1].breaks_off = not page.is_good
        follows_first = is_first
    if not links:
        return [Part(0, data.size)]
    links[-1].breaks_off |= bool(links[-1].unended)
    borders = [0, *(link.start for link in links[1:]), end]
    return [
        Part(*span, cut_short=link.breaks_off, lost_s=link.lost_s)
        for span, link in zip(pairwise(borders), links, strict=True)
    ]


def _pages(data: FileBytes) -> Iterator[_Page]:
    """The pages in order. What lies between them is skipped."""
    at = bad = 0
    while at < data.size and bad < _MAX_BAD:
        header = data.at(at, _HEADER + 255)
        if not _PAGE.match(header) or len(header) < _HEADER:
            if at and (begins_file(data, at) or begins_file(data, skip_tags(data, at))):
                return
            at = next(data.find(_PAGE, at + 1, 6), data.size)
            continue
        content = at + _HEADER + header[26]
        end = content + sum(header[_HEADER : _HEADER + header[26]])
        raw = data.at(at, end - at)
        is_good = len(raw) == end - at and _checksum_holds(raw)
        bad += not is_good
        if not is_good:  # others may begin within the length that it states
            end = min(end, next(data.find(_PAGE, at + 1, 6), end))
        time, number = int.from_bytes(header[6:14], "little"), int.from_bytes(header[18:22], "little")
        yield _Page(at, end, header[5], header[14:18], time, number, is_good, raw[content - at :][:64])
        at = end


def _checksum_holds(page: bytes) -> bool:
    unsigned = page[:22] + bytes(4) + page[26:]
    return ogg_checksum(unsigned) == int.from_bytes(page[22:26], "little")


def _rate_of(packet: bytes) -> int:
    """The frames per second in which a stream's pages count, from its first packet; 0 for other codecs."""
    if packet.startswith(b"OpusHead"):
        return _OPUS_HZ
    if packet.startswith(b"\x01vorbis"):
        return int.from_bytes(packet[12:16], "little")
    return int.from_bytes(packet[27:30], "big") >> 4 if packet.startswith(b"\x7fFLAC") else 0
