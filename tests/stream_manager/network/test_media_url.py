"""What clients may open."""

from __future__ import annotations

from pathlib import Path

import pytest

from stream_manager.network.media_url import resolve_media
from tidzam.errors import RequestError


@pytest.mark.parametrize("url", ["http://h/x.ogg", "https://u:p@h:8000/x", "rtsp://h/cam"])
def test_addresses_are_returned_unchanged(url: str) -> None:
    assert resolve_media(url, (), trusted=False) == url


def test_an_icecast_address_becomes_http() -> None:
    assert resolve_media("icecast://h:8000/x.ogg", (), trusted=False) == "http://h:8000/x.ogg"


PSEUDO = [
    "concat:http://h/a|http://h/b",
    "subfile,,start,0,end,9,,:file:///etc/passwd",
    "data://text/plain,x",
    "edl://%11%/etc/passwd",
    "av://lavfi:sine",
    "lavf://file:/etc/passwd",
    "memory://x",
    "fd://0",
    "slice://0-9@/etc/passwd",
    "archive:///x.zip|/y",
    "crypto+file:///etc/passwd",
    "cache:http://h/x",
    "async:http://h/x",
    "tcp://h:22",
    "udp://0.0.0.0:9",
    "unix:///run/x",
    "-://x",
]
"""Pseudo-protocols of mpv and ffmpeg, which lead to files and devices, or to other addresses than the visible one."""


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://h/x",
        "http://",
        "http://h/a b",
        "http://h/\nx",
        "lavfi://sine",
        "http://[h/x",
        *PSEUDO,
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        resolve_media(url, (), trusted=False)
    assert caught.value.field == "url"


def test_files_are_found_under_a_root_only(tmp_path: Path) -> None:
    inside = tmp_path / "media" / "a.wav"
    inside.parent.mkdir()
    inside.touch()
    roots = (tmp_path / "elsewhere", tmp_path / "media")
    assert resolve_media("a.wav", roots, trusted=False) == str(inside)
    assert resolve_media(str(inside), roots, trusted=False) == str(inside)
    for url in ("../b.wav", str(tmp_path / "b.wav"), "/etc/passwd", "~/x.wav/../../../../../etc/passwd"):
        with pytest.raises(RequestError, match="media root"):
            resolve_media(url, roots, trusted=False)
    assert resolve_media(str(tmp_path / "b.wav"), (), trusted=True) == str(tmp_path / "b.wav")


@pytest.mark.parametrize(
    "name", ["--script=x.lua", "-i", "concat:a.wav|b.wav", "subfile,,start,0,end,9,,:x.wav", "data:,x", "@list", "|x"]
)
def test_the_name_of_a_file_is_never_an_option_or_a_pseudo_protocol(tmp_path: Path, name: str) -> None:
    """It is opened by its absolute path, which begins with a slash."""
    assert resolve_media(name, (tmp_path,), trusted=False) == str(tmp_path / name)


def test_a_link_cannot_lead_out_of_a_media_root(tmp_path: Path) -> None:
    root = tmp_path / "media"
    root.mkdir()
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(RequestError):
        resolve_media("out/secret.wav", (root,), trusted=False)
