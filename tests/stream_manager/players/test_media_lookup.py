"""Playlists and redirections over HTTP, followed to what ffprobe finds there."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from stream_manager.faults import PlaybackError, SourceFault
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.players.media_lookup import locate_audio
from tests.support.web import serve_in_thread

pytestmark = pytest.mark.timeout(60)


@dataclass
class Web:
    """A web server: `pages` by path, each a content type and content, or where it is found instead.

    A page under `Lavf/path` is only for ffmpeg.
    """

    port: int
    pages: dict[str, tuple[str, bytes] | str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def allowed(self) -> AllowedAddresses:
        """Of a client without the token, whom the profile allows this server alone."""
        return AllowedAddresses(False, frozenset({f"127.0.0.1:{self.port}"}), ("127.0.0.1", 2))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            path, agent = self.path.partition("?")[0], self.headers["User-Agent"].partition("/")[0]
            page = served.pages.get(agent + path) or served.pages.get(path)
            if isinstance(page, tuple):
                self.send_response(200)
                self.send_header("Content-Type", page[0])
            else:
                self.send_response(404 if page is None else 302)
                self.send_header("Location", page or "")
            body = page[1] if isinstance(page, tuple) else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serve_in_thread(server)
        served = Web(server.server_port)
        argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", "-ac", "2", str(tmp_path / "pond.flac")]
        subprocess.run(argv, check=True, timeout=20)
        served.pages["/pond"] = "audio/flac", (tmp_path / "pond.flac").read_bytes()
        yield served
        server.shutdown()


@pytest.mark.parametrize(
    ("path", "kind", "content"),
    [
        ("/live.m3u", "audio/x-mpegurl", "#EXTM3U\n#EXTINF:-1,Pond\npond\n"),
        ("/LIVE.PLS", "text/plain", "[playlist]\nNumberOfEntries=1\nFile1=WEB/pond\n"),
        ("/live", "audio/x-scpls", "[playlist]\nFile1=WEB/pond\n"),
        (
            "/live.xspf",
            "text/xml",
            "<playlist><track><location>WEB/pond</location></track></playlist>",
        ),
        ("/mirrors.m3u", "text/plain", "WEB/away\nhttp://127.0.0.1:1/closed\nWEB/pond\n"),
    ],
    ids=["m3u", "pls", "no name", "xspf", "the first entries are away"],
)
async def test_a_playlist_is_followed_to_its_audio(web: Web, path: str, kind: str, content: str) -> None:
    web.pages[path] = kind, content.replace("WEB", web.url).encode()
    found = await locate_audio(web.url + path, {}, None)
    assert found.url == f"{web.url}/pond"
    assert (found.channels, found.duration_s) == (2, 1.0)


@pytest.mark.parametrize(
    "kind", ["text/html", "text/plain", "application/octet-stream", "audio/x-mpegurl", "video/mp4"]
)
async def test_audio_is_found_whatever_its_content_type(web: Web, kind: str) -> None:
    page = web.pages["/pond"]
    assert isinstance(page, tuple)
    web.pages["/audio"] = kind, page[1]
    for allowed in (None, web.allowed()):
        assert (await locate_audio(f"{web.url}/audio", {}, allowed)).channels == 2


async def fault_of(media: str, allowed: AllowedAddresses | None = None) -> SourceFault:
    with pytest.raises(PlaybackError) as caught:
        await locate_audio(media, {}, allowed)
    return caught.value.failure.fault


async def test_a_playlist_without_an_address_is_reported_as_a_playlist(web: Web) -> None:
    web.pages["/none.m3u"] = "audio/x-mpegurl", b"#EXTM3U\nfile:///etc/passwd\n"
    assert await fault_of(f"{web.url}/none.m3u") is SourceFault.PLAYLIST


async def test_circular_playlists_are_refused(web: Web) -> None:
    web.pages["/a.m3u"], web.pages["/b.m3u"] = ("audio/x-mpegurl", b"b.m3u"), ("audio/x-mpegurl", b"a.m3u")
    assert await fault_of(f"{web.url}/a.m3u") is SourceFault.PLAYLIST


async def test_an_entry_of_a_playlist_may_not_be_a_file(web: Web, tmp_path: Path) -> None:
    web.pages["/file.m3u"] = "audio/x-mpegurl", f"{tmp_path / 'pond.flac'}\n".encode()
    assert await fault_of(f"{web.url}/file.m3u") is SourceFault.HTTP_NOT_FOUND  # it is looked for on the web server


async def test_entries_and_redirections_are_checked_for_clients_without_the_token(web: Web) -> None:
    web.pages["/in.m3u"] = "audio/x-mpegurl", b"http://127.0.0.1:1/x\nhttp://[::1]/y\n"
    web.pages["/out"] = "http://127.0.0.1:1/x"
    web.pages["/moved"] = "/pond"
    assert await fault_of(f"{web.url}/in.m3u", web.allowed()) is SourceFault.NOT_ALLOWED
    assert await fault_of(f"{web.url}/out", web.allowed()) is SourceFault.NOT_ALLOWED
    assert (await locate_audio(f"{web.url}/moved", {}, web.allowed())).url == f"{web.url}/pond"


@pytest.mark.parametrize("user", ["", "bob:secret@"])
async def test_redirections_seen_only_by_the_player_are_not_followed_without_the_token(web: Web, user: str) -> None:
    web.pages["Lavf/sly"] = f"http://localhost:{web.port}/pond"
    address = f"{web.url.replace('://', '://' + user)}/sly"
    assert (await locate_audio(address, {}, None)).channels == 2
    assert await fault_of(address, web.allowed()) in (SourceFault.UNREACHABLE, SourceFault.NOT_AUDIO)


async def test_redirections_in_a_circle_are_a_fault_of_their_own(web: Web) -> None:
    web.pages["/here"], web.pages["/there"] = "/there", "/here"
    assert await fault_of(f"{web.url}/here") is SourceFault.REDIRECTED


async def test_a_playlist_with_an_entry_that_may_play_later_is_retried_soon(web: Web) -> None:
    web.pages["/later.m3u"] = "audio/x-mpegurl", f"http://127.0.0.1:1/closed\n{web.url}/missing\n".encode()
    assert await fault_of(f"{web.url}/later.m3u") is SourceFault.UNREACHABLE


OTHER_SCHEMES = ("tcp", "httpproxy", "file", "crypto+http", "concat:http", "udp")
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n"


@pytest.mark.parametrize(
    ("page", "fault"),
    [
        (f"{HLS}#EXTINF:5,\nhttp://127.0.0.1:1/a.ts\n", SourceFault.NOT_ALLOWED),
        (f"{HLS}#EXTINF:5,\na.ts\n#EXTINF:5,\n//127.0.0.1:1/a.ts\n", SourceFault.NOT_ALLOWED),
        (f'{HLS}#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1:1/k"\n#EXTINF:5,\na.ts\n', SourceFault.NOT_ALLOWED),
        (f"{HLS}#EXT-X-STREAM-INF:BANDWIDTH=1\ninner.m3u8\n", SourceFault.NOT_ALLOWED),
        (f'{HLS}#EXT-X-MAP:URI="http://127.0.0.1:1/i.mp4"\n#EXTINF:5,\na.ts\n', SourceFault.NOT_ALLOWED),
        (f'{HLS}#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",URI="http://127.0.0.1:1/a.m3u8"\n', SourceFault.NOT_ALLOWED),
        (f'{HLS}#EXT-X-SESSION-KEY:METHOD=AES-128,URI="//127.0.0.1:1/k"\n', SourceFault.NOT_ALLOWED),
        *((f"{HLS}#EXTINF:5,\n{scheme}://127.0.0.1:1/a.ts\n", SourceFault.NOT_ALLOWED) for scheme in OTHER_SCHEMES),
        (f"{HLS}#EXTINF:5,\nhttp://[::1/a.ts\n", SourceFault.PLAYLIST),
        (f"{HLS}\0#EXTINF:5,\nhttp://127.0.0.1:1/a.ts\n", SourceFault.PLAYLIST),
        (HLS + "#\n" * 40000 + "http://127.0.0.1:1/a.ts\n", SourceFault.PLAYLIST),
        ("<?xml version='1.0'?><MPD><BaseURL>http://127.0.0.1:1/</BaseURL></MPD>", SourceFault.PLAYLIST),
        ("v=0\nc=IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", SourceFault.PLAYLIST),
    ],
    ids=[
        "piece",
        "second piece",
        "key",
        "list in a list",
        "initialization",
        "rendition",
        "session key",
        *OTHER_SCHEMES,
        "no address",
        "NUL",
        "too long",
        "DASH",
        "SDP",
    ],
)
async def test_addresses_in_hls_are_checked_for_clients_without_the_token(
    web: Web, page: str, fault: SourceFault
) -> None:
    web.pages["/live"] = "audio/mpeg", page.encode()
    web.pages["/inner.m3u8"] = "audio/mpeg", f"{HLS}#EXTINF:5,\nhttp://127.0.0.1:1/a.ts\n".encode()
    assert await fault_of(f"{web.url}/live", web.allowed()) is fault


async def test_an_unreachable_playlist_is_reported_as_unreachable(web: Web) -> None:
    assert await fault_of(f"{web.url}/none.m3u") is SourceFault.HTTP_NOT_FOUND
    assert await fault_of("http://127.0.0.1:1/none.pls") is SourceFault.UNREACHABLE


async def test_an_unsupported_playlist_is_reported_as_a_playlist(web: Web, tmp_path: Path) -> None:
    web.pages["/live.asx"] = "video/x-ms-asf", b'<asx version="3.0"><entry><ref href="http://a/1"/></entry></asx>'
    assert await fault_of(f"{web.url}/live.asx") is SourceFault.PLAYLIST
    (tmp_path / "local.M3U").write_text("http://a/1\n")
    assert await fault_of(str(tmp_path / "local.M3U")) is SourceFault.PLAYLIST
    web.pages["/text.ogg"] = "text/plain", b"This is no sound.\n" * 100
    assert await fault_of(f"{web.url}/text.ogg") is SourceFault.NOT_AUDIO


def test_a_link_that_takes_the_place_of_a_checked_file_is_not_followed(tmp_path: Path) -> None:
    checked, secret = tmp_path.resolve() / "media" / "pond.flac", tmp_path.resolve() / "secret.flac"
    checked.parent.mkdir()
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=1", str(secret)]
    subprocess.run(argv, check=True, timeout=20)
    allowed = AllowedAddresses(False, frozenset(), ("127.0.0.1", 2))
    checked.write_bytes(secret.read_bytes())
    assert asyncio.run(locate_audio(str(checked), {}, allowed)).channels == 1
    checked.unlink()
    checked.symlink_to(secret)
    assert asyncio.run(fault_of(str(checked), allowed)) is SourceFault.UNREADABLE
