"""The proxy of clients' sources, between a real ffprobe or client and real servers."""

from __future__ import annotations

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from stream_manager.faults import PlaybackError, SourceFailure, SourceFault
from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.network.guarded_url import guarded_url
from stream_manager.network.probe import probe
from tests.support.ports import free_port
from tests.support.proxied import get
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(30)


@asynccontextmanager
async def web_server(
    content: bytes = b"sound", *, moved_to: str = "", asked: list[str] | None = None
) -> AsyncIterator[int]:
    """A server that serves `content` at any path, and a redirection at `/moved`; yields its port.

    It adds the paths that it is asked for to `asked`.
    """

    async def answer(request: web.Request) -> web.Response:
        if asked is not None and request.path not in asked:
            asked.append(request.path)
        if request.path == "/moved":
            raise web.HTTPFound(moved_to)
        return web.Response(body=content)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield port
    finally:
        await runner.cleanup()


def only(*ports: int) -> AllowedAddresses:
    """This machine at `ports`."""
    return AllowedAddresses(False, frozenset(f"127.0.0.1:{port}" for port in ports), ("127.0.0.1", 2))


async def test_content_is_passed_on_whole() -> None:
    content = bytes(range(256)) * 40_000
    async with web_server(content) as port, GuardProxy({}) as guard:
        admitted = guard.admit(only(port))
        proxy = admitted.env["http_proxy"]
        assert await get(f"http://127.0.0.1:{port}/x", proxy) == (200, content)


async def test_an_address_that_is_not_allowed_is_refused_whether_a_server_is_there_or_not() -> None:
    async with web_server() as port, web_server() as other, GuardProxy({}) as guard:
        admitted = guard.admit(only(port))
        proxy = admitted.env["http_proxy"]
        assert (await get(f"http://127.0.0.1:{other}/x", proxy))[0] == 403
        assert (await get(f"http://127.0.0.1:{free_port()}/x", proxy))[0] == 403


async def test_a_redirection_to_an_address_that_is_not_allowed_is_refused() -> None:
    async with (
        web_server() as other,
        web_server(moved_to=f"http://127.0.0.1:{other}/x") as port,
        GuardProxy({}) as guard,
    ):
        for ports, status in (((port,), 403), ((port, other), 200)):
            admitted = guard.admit(only(*ports))
            assert (await get(f"http://127.0.0.1:{port}/moved", admitted.env["http_proxy"]))[0] == status


async def test_link_local_addresses_are_refused_even_with_the_token() -> None:
    async with GuardProxy({}) as guard:
        admitted = guard.admit(only().with_token())
        proxy = admitted.env["http_proxy"]
        for host in ("169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"):
            assert (await get(f"http://{host}/latest", proxy))[0] == 403


SEGMENTED = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize("guarded", [True, False])
async def test_what_a_player_opens_by_itself_is_checked(guarded: bool) -> None:
    """The segments of a stream, which may be others at each request."""
    asked: list[str] = []
    async with (
        web_server(asked=asked) as other,
        web_server(SEGMENTED.format(port=other).encode()) as port,
        GuardProxy({}) as guard,
    ):
        admitted = guard.admit(only(port))
        with pytest.raises(PlaybackError):
            url = f"http://127.0.0.1:{port}/live.m3u8"
            await probe(guarded_url(url) if guarded else url, admitted.env if guarded else {})
    assert asked == ([] if guarded else ["/a.ts"])


@pytest.mark.parametrize("host", ["localhost", "localhost.", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"])
async def test_no_name_of_a_host_leads_past_the_proxy(host: str) -> None:
    asked: list[str] = []
    async with web_server(asked=asked) as port, GuardProxy({}) as guard:
        admitted = guard.admit(only(1))
        with pytest.raises(PlaybackError):
            await probe(guarded_url(f"http://{host}:{port}/pond.flac"), {"no_proxy": "localhost", **admitted.env})
    assert asked == []


async def test_a_player_reads_by_way_of_the_proxy(tmp_path: Path) -> None:
    sound = write_tones(tmp_path / "pond.flac", 2, seconds=1).read_bytes()
    async with web_server(sound) as port, GuardProxy({}) as guard:
        admitted = guard.admit(only(port))
        found = await probe(guarded_url(f"http://127.0.0.1:{port}/pond.flac"), admitted.env)
    assert (found.channels, found.duration_s) == (2, 1.0)


async def test_a_process_without_the_password_is_refused() -> None:
    async with web_server() as port, GuardProxy({}) as guard:
        admitted = guard.admit(only(port))
        proxy = admitted.env["http_proxy"]
        host = proxy.rpartition("@")[2]
        for wrong in (f"http://{host}", f"http://tidzam:guessed@{host}"):
            assert (await get(f"http://127.0.0.1:{port}/x", wrong))[0] == 407


async def test_a_pass_is_valid_as_long_as_it_is_held() -> None:
    async with web_server() as port, GuardProxy({}) as guard:
        proxy = guard.admit(only(port)).env["http_proxy"]
        gc.collect()
        assert (await get(f"http://127.0.0.1:{port}/x", proxy))[0] == 407


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://10.0.0.1/x", SourceFault.NOT_ALLOWED),
        ("http://no-such-host.invalid/x", SourceFault.UNKNOWN_HOST),
        ("http://127.0.0.1:1/x", SourceFault.UNREACHABLE),
    ],
)
async def test_a_pass_explains_why_a_connection_failed(url: str, fault: SourceFault) -> None:
    async with GuardProxy({}) as guard:
        admitted = guard.admit(only(1))
        with pytest.raises(PlaybackError) as caught:
            await probe(guarded_url(url), admitted.env)
    assert admitted.explain(caught.value.failure).fault is fault
    unrelated = SourceFailure(SourceFault.CHANNELS)
    assert admitted.explain(unrelated) == unrelated


async def test_the_address_that_was_checked_is_the_one_that_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name whose second resolution yields another address, as of a server that attacks by DNS rebinding."""
    loop, asked = asyncio.get_running_loop(), []
    own = loop.getaddrinfo

    async def getaddrinfo(host: Any, port: Any, **options: Any) -> Any:
        if host != "rebound.example":
            return await own(host, port, **options)
        asked.append(host)
        return await own("127.0.0.1" if len(asked) == 1 else "127.0.0.2", port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", getaddrinfo)
    async with web_server(b"checked") as port, GuardProxy({}) as guard:
        allowed = AllowedAddresses(True, frozenset(), ("127.0.0.1", 2))
        admitted = guard.admit(allowed)
        proxy = admitted.env["http_proxy"]
        assert await get(f"http://rebound.example:{port}/x", proxy) == (200, b"checked")
    assert asked == ["rebound.example"]


async def test_a_tunnel_is_made_to_allowed_addresses_only() -> None:
    async with web_server() as port, GuardProxy({}) as guard:
        admitted = guard.admit(only(port))
        login, _, address = admitted.env["http_proxy"].removeprefix("http://").rpartition("@")
        authorization = aiohttp.encode_basic_auth(*login.split(":"))
        host, _, number = address.partition(":")
        for target, status in ((port, b"200"), (free_port(), b"403")):
            reader, writer = await asyncio.open_connection(host, int(number))
            writer.write(
                f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nProxy-Authorization: {authorization}\r\n\r\n".encode()
            )
            line = await reader.readline()
            assert line.split()[1] == status
            writer.close()


async def test_other_machines_are_reached_by_way_of_the_environments_proxy() -> None:
    received = asyncio.get_running_loop().create_future()

    async def upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nfar")
        writer.close()

    server = await asyncio.start_server(upstream, "127.0.0.1", 0)
    address = f"http://bob:word@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, GuardProxy({"http_proxy": address}) as guard:
        admitted = guard.admit(only())
        assert await get("http://far.invalid/x", admitted.env["http_proxy"]) == (200, b"far")
    head = (await received).decode()
    assert head.startswith("GET http://far.invalid:80/x HTTP/1.1")
    assert "Proxy-Authorization: Basic Ym9iOndvcmQ=" in head


async def test_open_connections_end_with_the_proxy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        async with GuardProxy({}) as guard:
            admitted = guard.admit(only(port))
            waiting = asyncio.create_task(get(f"http://127.0.0.1:{port}/x", admitted.env["http_proxy"]))
            await asyncio.to_thread(silent.accept)
        with pytest.raises(aiohttp.ClientError):
            await waiting
