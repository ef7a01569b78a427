"""Ogg (RFC 3533): the links of a chained file. Radio recordings are chained, and so are joined files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from tidzam.audio.part import Bytes, Part

_PAGE: Final = re.compile(rb"OggS\x00[\x00-\x07]")
_HEADER: Final = 27
_FIRST, _LAST = 2, 4


@dataclass(frozen=True)
class _Page:
    start: int
    end: int
    flags: int
    serial: bytes
    is_cut: bool


def ogg_parts(data: Bytes) -> list[Part]:
    """The links, each a part. It is cut short if a page of it is, or if it is the last and has no last page."""
    starts: list[int] = []
    cut: set[int] = set()
    unended: set[bytes] = set()
    follows_first = False
    for page in _pages(data):
        is_first = bool(page.flags & _FIRST)
        if is_first and not follows_first:
            starts.append(page.start)
            unended.clear()
        if is_first:
            unended.add(page.serial)
        if page.flags & _LAST:
            unended.discard(page.serial)
        if page.is_cut:
            cut.add(len(starts))
        follows_first = is_first
    if unended:
        cut.add(len(starts))
    borders = [0, *starts[1:], data.size]
    return [Part(*span, cut_short=number in cut) for number, span in enumerate(pairwise(borders), start=1)]


def _pages(data: Bytes) -> Iterator[_Page]:
    """The pages in order. Where there is none, the next is searched for."""
    at = 0
    while at < data.size:
        header = data.at(at, _HEADER + 255)
        if not _PAGE.match(header):
            at = next(data.find(_PAGE, at + 1, 6), data.size)
            continue
        stated = at + _HEADER + header[26] + sum(header[_HEADER : _HEADER + header[26]])
        end = stated
        if end < data.size and not _PAGE.match(data.at(end, 6)):  # others may begin within a page that was cut off
            end = min(end, next(data.find(_PAGE, at + 1, 6), end))
        yield _Page(at, end, header[5], header[14:18], is_cut=end < stated or end > data.size)
        at = end
