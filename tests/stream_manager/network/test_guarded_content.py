"""What the guard proxy changes in responses, and what it refuses."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.network.guarded_content import ContentRefusedError, guarded_hls, parse_response_head

SECURE = "http://tidzam-https--a.example:443"


def test_the_addresses_of_a_list_lead_through_the_proxy() -> None:
    content = (
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="https://a.example/k?x=1,2",IV=0x1\r\n#EXT-X-MAP:URI="init.mp4"\n'
        "#EXTINF:5,a title: with colons\nhttps://a.example/1.ts\n//a.example/2.ts\n/3.ts\n4.ts?t=a:b\n"
    )
    assert guarded_hls(content.encode(), "https").decode() == (
        f'#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{SECURE}/k?x=1,2",IV=0x1\n#EXT-X-MAP:URI="init.mp4"\n'
        f"#EXTINF:5,a title: with colons\n{SECURE}/1.ts\n{SECURE}/2.ts\n/3.ts\n4.ts?t=a:b\n"
    )


@pytest.mark.parametrize(
    "entry",
    [
        "tcp://127.0.0.1:22",
        "httpproxy://127.0.0.1:22/x",
        "file:///etc/passwd",
        "crypto+http://127.0.0.1/x",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "data:text/plain,x",
        "concat:http://a|b",
        "http://bob@a@127.0.0.1/",
        "http://",
        " tcp://127.0.0.1:22",
        "a\0b",
    ],
)
@pytest.mark.parametrize("line", ["{}", '#EXT-X-KEY:METHOD=AES-128,URI="{}"', '#EXT-X-MEDIA:uri="{}",TYPE=AUDIO'])
def test_a_list_with_another_address_is_refused(entry: str, line: str) -> None:
    with pytest.raises(ContentRefusedError):
        guarded_hls(f"#EXTM3U\n{line.format(entry)}\n".encode(), "http")


def test_an_address_without_quotation_marks_is_refused() -> None:
    with pytest.raises(ContentRefusedError):
        guarded_hls(b"#EXTM3U\n#EXT-X-MAP:URI=tcp://127.0.0.1:22\n", "http")


@given(st.binary(max_size=300))
def test_any_list_is_changed_or_refused(content: bytes) -> None:
    for prefix in (b"", b"http://", b'#EXT-X-MAP:URI="', b"https://a/"):
        with suppress(ContentRefusedError):
            guarded_hls(b"#EXTM3U\n" + prefix + content, "http")


def test_a_redirection_leads_through_the_proxy() -> None:
    head = parse_response_head(b"HTTP/1.1 302 Found\r\nLocation: https://a.example/x\r\nServer: y\r\n\r\n", "http")
    assert (
        head.encode()
        == f"HTTP/1.1 302 Found\r\nLocation: {SECURE}/x\r\nServer: y\r\nConnection: close\r\n\r\n".encode()
    )


@pytest.mark.parametrize(
    "header", ["Transfer-Encoding: gzip, chunked", "content-encoding: gzip", "Location: tcp://h:22"]
)
def test_content_that_cannot_be_inspected_is_refused(header: str) -> None:
    with pytest.raises(ContentRefusedError):
        parse_response_head(f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode(), "http")


def test_the_length_follows_the_content() -> None:
    head = parse_response_head(b"ICY 200 OK\r\nContent-Length: 5\r\nicy-name: pond\r\n\r\n", "http")
    assert head.content_length == 5
    assert head.with_length(7).encode() == (
        b"ICY 200 OK\r\nicy-name: pond\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    )
