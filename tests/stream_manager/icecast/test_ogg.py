"""Ogg pages, against what ffmpeg writes."""

from __future__ import annotations

import subprocess
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream_manager.icecast.ogg import Headers, Page, PageReader, header_packets


@cache
def encoded(seconds: float = 2.0, codec: str = "libvorbis") -> bytes:
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", f"anoisesrc=d={seconds}", "-c:a", codec]
    argv += ["-page_duration", "250000", "-f", "ogg", "-"]
    return subprocess.run(argv, stdout=subprocess.PIPE, check=True, timeout=20).stdout


def pages_of(data: bytes) -> list[Page]:
    return list(PageReader().feed(data))


@settings(deadline=None)  # the first example encodes
@given(st.lists(st.integers(1, 5000), max_size=30))
def test_pages_are_found_in_chunks_of_any_size(sizes: list[int]) -> None:
    reader, rest, found = PageReader(), encoded(), b""
    for size in sizes:
        piece, rest = rest[:size], rest[size:]
        found += b"".join(page.data for page in reader.feed(piece))
    found += b"".join(page.data for page in reader.feed(rest))
    assert found == encoded()


def test_pages_are_numbered_as_ffmpeg_does() -> None:
    pages = pages_of(encoded())
    assert [page.sequence for page in pages] == list(range(len(pages)))
    for page in pages:
        assert page.numbered(page.sequence + 7) != page.data
        there = pages_of(page.numbered(page.sequence + 7))
        assert [other.sequence for other in there] == [page.sequence + 7]
        assert there[0].numbered(page.sequence) == page.data


@settings(deadline=None)
@given(st.binary(max_size=200), st.binary(max_size=200))
def test_other_bytes_are_skipped(before: bytes, between: bytes) -> None:
    pages = pages_of(encoded())
    stream = before + pages[0].data + between + b"OggS\x00" + pages[1].data + pages[2].data
    assert [page.data for page in pages_of(stream + b"".join(page.data for page in pages[3:]))][-3:] == [
        page.data for page in pages[-3:]
    ]


def test_a_damaged_page_is_skipped() -> None:
    pages = pages_of(encoded())
    damaged = bytearray(pages[1].data)
    damaged[-1] ^= 1
    found = pages_of(pages[0].data + bytes(damaged) + pages[2].data)
    assert [page.data for page in found] == [pages[0].data, pages[2].data]


@pytest.mark.parametrize("codec", ["libvorbis", "libopus", "flac"])
def test_the_headers_are_the_pages_before_the_audio(codec: str) -> None:
    pages, headers = pages_of(encoded(codec=codec)), Headers()
    assert not headers.complete
    for page in pages:
        headers.take(page)
    assert headers.complete
    kept = [page.data for page in headers.pages]
    assert kept == [page.data for page in pages[: len(kept)]]
    assert 2 <= len(kept) < len(pages)
    argv = ["ffmpeg", "-v", "error", "-xerror", "-i", "-", "-f", "null", "-"]
    sound = b"".join([*kept, pages[-1].data])
    assert subprocess.run(argv, input=sound, timeout=20, check=False).returncode == 0


@pytest.mark.parametrize(("codec", "packets"), [("libvorbis", 3), ("libopus", 2), ("flac", 2)])
def test_the_number_of_header_packets_follows_from_the_first(codec: str, packets: int) -> None:
    assert header_packets(pages_of(encoded(codec=codec))[0].content) == packets


@given(st.binary(max_size=100))
def test_any_first_packet_is_understood(identification: bytes) -> None:
    assert header_packets(identification) >= 1


def test_the_headers_of_the_latest_stream_are_kept() -> None:
    headers = Headers()
    for page in pages_of(encoded() + encoded(1.0)):
        headers.take(page)
    assert [page.data for page in headers.pages] == [page.data for page in pages_of(encoded(1.0))[: len(headers.pages)]]
