"""Streams of the web through the guard proxy, played by the installed programs: with and without encryption."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from stream_manager.faults import PlaybackError, SourceFault
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_pass import GuardPass
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.network.guarded_url import guarded_url
from stream_manager.network.probe import probe
from stream_manager.players.decoder_argv import decoder_argv
from stream_manager.players.media_lookup import locate_audio
from stream_manager.players.mpv_argv import mpv_argv
from tests.support.ports import free_port
from tidzam.process import child_process

pytestmark = pytest.mark.timeout(60)

SCHEMES = ("http", "https")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound, an encrypted HLS stream of it with a master list, and the certificate of the server."""
    made = tmp_path_factory.mktemp("web")
    (made / "key").write_bytes(bytes(range(16)))
    (made / "key.txt").write_text(f"key\n{made / 'key'}\n")
    sound = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=d=2:r=48000", "-ac", "2"]
    segments = ["-f", "hls", "-hls_time", "1", "-hls_key_info_file", "key.txt", "-hls_playlist_type", "vod"]
    subprocess.run([*sound, "-c:a", "aac", *segments, "live.m3u8"], cwd=made, check=True, timeout=30)
    subprocess.run([*sound, "pond.flac"], cwd=made, check=True, timeout=30)
    (made / "master.m3u8").write_text(
        '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=128000,CODECS="mp4a.40.2"\n/static/live.m3u8\n'
    )
    pair = ["-keyout", "private.pem", "-out", "public.pem", "-subj", "/CN=localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *pair],
        cwd=made,
        check=True,
        timeout=30,
        capture_output=True,
    )
    return made


@asynccontextmanager
async def served(folder: Path, scheme: str) -> AsyncIterator[str]:
    """The address of a server of `folder`, which redirects from `/moved/NAME`."""
    context, port = None, free_port()
    if scheme == "https":
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(folder / "public.pem", folder / "private.pem")

    async def moved(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"{scheme}://127.0.0.1:{port}/static/{request.match_info['name']}")

    application = web.Application()
    application.router.add_static("/static", folder)
    application.router.add_get("/moved/{name}", moved)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield f"{scheme}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


def admitted_to(guard: GuardProxy, address: str) -> GuardPass:
    host = address.partition("://")[2]
    return guard.admit(AllowedAddresses(False, frozenset({host}), ("127.0.0.1", 2)))


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("path", ["static/pond.flac", "static/live.m3u8", "static/master.m3u8", "moved/pond.flac"])
async def test_a_stream_is_opened(folder: Path, scheme: str, path: str) -> None:
    async with served(folder, scheme) as address, GuardProxy({}) as guard:
        admitted = admitted_to(guard, address)
        found = await probe(guarded_url(f"{address}/{path}"), admitted.env)
    assert (found.channels, found.rate_hz) == (2, 48000)
    assert found.duration_s == pytest.approx(2, abs=0.2)


def mpv(media: str) -> list[str]:
    return ["--ao=null" if word == "--ao=jack" else word for word in mpv_argv("pond", media)]


def ffmpeg(media: str) -> list[str]:
    return decoder_argv(media, 1, rate_hz=48000, changes=False)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("player", [mpv, ffmpeg])
async def test_what_is_found_is_what_a_player_plays_to_its_end(
    folder: Path, scheme: str, player: Callable[[str], list[str]]
) -> None:
    async with served(folder, scheme) as address, GuardProxy({}) as guard:
        admitted = admitted_to(guard, address)
        found = await locate_audio(f"{address}/static/live.m3u8", admitted.env, admitted.allowed.with_token())
        is_mpv = player is mpv
        async with child_process(player(found.url), name="player", env=admitted.env, merge_output=is_mpv) as child:
            async with asyncio.timeout(20):
                code = await child.wait()
    assert (code, list(child.tail)) == (0, [])


@pytest.mark.parametrize("scheme", SCHEMES)
async def test_a_file_that_is_not_there_is_reported_as_by_its_server(folder: Path, scheme: str) -> None:
    async with served(folder, scheme) as address, GuardProxy({}) as guard:
        admitted = admitted_to(guard, address)
        with pytest.raises(PlaybackError) as caught:
            await probe(guarded_url(f"{address}/static/none.flac"), admitted.env)
    assert admitted.explain(caught.value.failure).fault is SourceFault.HTTP_NOT_FOUND


async def test_an_encrypted_stream_is_reached_by_way_of_the_environments_proxy(folder: Path) -> None:
    asked: list[bytes] = []

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head.split(b"\r\n")[0])
        port = int(address.rpartition(":")[2])
        there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(_copy(reader, there[1]), _copy(there[0], writer))

    proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    upstream = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    async with served(folder, "https") as address, proxy, GuardProxy({"http_proxy": upstream}) as guard:
        admitted = guard.admit(AllowedAddresses(False, frozenset(), ("127.0.0.1", 2)))
        found = await probe(guarded_url("https://far.invalid/static/pond.flac"), admitted.env)
    assert found.channels == 2
    assert asked[0] == b"CONNECT far.invalid:443 HTTP/1.1"


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65536):
        target.write(data)
    target.close()
