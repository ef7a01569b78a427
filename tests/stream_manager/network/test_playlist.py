"""Playlists, as they are found on the web."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.network.address import parse_address
from stream_manager.network.playlist import entries, has_playlist_name

BASE = "http://radio.example/lists/all.m3u"
XSPF = """<?xml version="1.0"?><!-- a list --><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>
<track><location>http://a.example/1.ogg</location></track></trackList></playlist>"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("http://a.example/1.ogg\n", ("http://a.example/1.ogg",)),
        ("#EXTM3U\r\n#EXTINF:-1,Pond\r\nhttp://a.example/1.ogg\r\n", ("http://a.example/1.ogg",)),
        ("\ufeff#EXTM3U\nhttps://a.example/1\n\nrtsp://b/2", ("https://a.example/1", "rtsp://b/2")),
        ("1.ogg\n/2.ogg", ("http://radio.example/lists/1.ogg", "http://radio.example/2.ogg")),
        ("[playlist]\nFile2=http://b/2\nFile1=http://a/1\nTitle1=x\nNumberOfEntries=2", ("http://a/1", "http://b/2")),
        ("[Playlist]\r\nfile1 = http://a/1 \r\n", ("http://a/1",)),
        (XSPF, ("http://a.example/1.ogg",)),
        ("HTTP://a.example/1\nhttp://a b/\nftp://c/3", ("http://a.example/1",)),
        ("http://a/1\n" * 3 + "".join(f"http://b/{number}\n" for number in range(9)), None),
    ],
)
def test_the_addresses_of_a_playlist(text: str, found: tuple[str, ...] | None) -> None:
    named = entries(text.encode(), address=BASE)
    assert named == (found or ("http://a/1", "http://b/0", "http://b/1"))


@pytest.mark.parametrize(
    "content",
    [
        b"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:3,\ns.ts\n",
        b"OggS\x00\x02",
        b"<!DOCTYPE html><html><body>Not found</body></html>",
    ],
    ids=["HLS", "sound", "a page"],
)
def test_other_content_is_not_a_playlist(content: bytes) -> None:
    assert entries(content, address=BASE) is None


def test_a_playlist_is_recognized_by_content_type_or_name() -> None:
    plain, elsewhere = b"http://a/1\n", "http://radio.example/listen?type=x.m3u"
    assert entries(plain, address=elsewhere) is None
    assert entries(plain, address=elsewhere, content_type="audio/x-mpegurl") == ("http://a/1",)
    assert entries(b"[playlist]\nFile1=http://a/1", address=elsewhere) == ("http://a/1",)
    assert has_playlist_name("http://h/X.PLS?a=b")
    assert not has_playlist_name("http://h/x.ogg?list=a.pls")


@pytest.mark.parametrize(
    "entry",
    [
        "file:///etc/passwd",
        "/etc/passwd",
        "../../etc/passwd",
        "C:\\x.wav",
        "data:,x",
        "concat:http://a/1|file:///etc/passwd",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "edl://%11%/etc/passwd",
        "av://lavfi:sine",
        "lavf://file:/etc/passwd",
        "--script=/tmp/x.lua",
        "fd://0",
    ],
)
def test_no_entry_refers_to_a_file_on_this_machine(entry: str) -> None:
    for named in entries(entry.encode(), address=BASE) or ():
        assert parse_address(named).host == "radio.example"


def test_entities_are_not_expanded() -> None:
    bomb = '<!DOCTYPE p [<!ENTITY a "http://a/1">]>' + XSPF.partition("?>")[2].replace("http://a.example/1.ogg", "&a;")
    assert not entries(bomb.encode(), address=BASE)


@given(st.binary(max_size=300))
def test_any_content_is_parsed_without_an_exception(content: bytes) -> None:
    for prefix in (b"", b"[playlist]\nFile1=", b"<playlist>", b"#EXTM3U\n"):
        for named in entries(prefix + content, address=BASE) or ():
            assert parse_address(named)
