"""Responses through the guard proxy, as servers divide them, honest and hostile ones."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_proxy import GuardProxy
from stream_manager.network.guarded_url import guarded_url
from tests.support.proxied import get

pytestmark = pytest.mark.timeout(30)

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PLAIN = b"HTTP/1.1 200 OK\r\n\r\n"


class RawServer:
    """Answers each connection with the same bytes. `received` is what it was sent."""

    def __init__(self, response: bytes) -> None:
        self._response, self.received = response, b""
        self.port = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.received += await reader.readuntil(b"\r\n\r\n")
        writer.write(self._response)
        await writer.drain()
        try:
            async with asyncio.timeout(0.2):
                self.received += await reader.read()
        except TimeoutError:
            pass
        writer.close()


@asynccontextmanager
async def raw_server(response: bytes) -> AsyncIterator[RawServer]:
    raw = RawServer(response)
    async with await asyncio.start_server(raw.answer, "127.0.0.1", 0) as server:
        raw.port = server.sockets[0].getsockname()[1]
        yield raw


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x;a=b\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def through_the_guard(response: bytes) -> tuple[int, bytes]:
    """What a player receives of a server's response."""
    async with raw_server(response) as server, GuardProxy({}) as guard:
        admitted = guard.admit(AllowedAddresses(True, frozenset(), ("127.0.0.1", 2)))
        return await get(guarded_url(f"http://127.0.0.1:{server.port}/x"), admitted.env["http_proxy"], redirects=False)


@pytest.mark.parametrize(
    "response",
    [
        CHUNKED + chunks(b"so", b"und" * 9, b"!" * 200_000),
        PLAIN + b"so" + b"und" * 9 + b"!" * 200_000,
        PLAIN[:-2] + b"Content-Length: 200029\r\n\r\nso" + b"und" * 9 + b"!" * 200_000 + b"more",
    ],
    ids=["chunks", "until the end", "its length"],
)
async def test_content_is_passed_on_however_it_is_divided(response: bytes) -> None:
    assert await through_the_guard(response) == (200, b"so" + b"und" * 9 + b"!" * 200_000)


HOSTILE = b"#EXTM3U\n#EXTINF:5,\ntcp://127.0.0.1:22\n"


@pytest.mark.parametrize(
    "response",
    [
        PLAIN + HOSTILE,
        CHUNKED + chunks(*(HOSTILE[at : at + 1] for at in range(len(HOSTILE)))),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + b"x" * 20,
        b"HTTP/1.1 302 Found\r\nLocation: tcp://127.0.0.1:22\r\n\r\n",
        CHUNKED + b"no number\r\nx",
        PLAIN + b"#EXTM3U\n" + b"#" * 5_000_000,
    ],
    ids=["a list", "a list in chunks", "compressed", "a redirection", "no chunks", "too long"],
)
async def test_a_hostile_response_does_not_reach_the_player(response: bytes) -> None:
    assert (await through_the_guard(response))[0] == 403


@pytest.mark.parametrize("response", [b"", b"HTTP/1.1 200 OK\r\n", b"x" * 100_000], ids=["none", "cut", "no head"])
async def test_a_response_without_a_head_is_reported(response: bytes) -> None:
    assert (await through_the_guard(response))[0] == 502


async def test_a_second_request_on_the_same_connection_is_not_passed_on() -> None:
    async with raw_server(PLAIN + b"sound") as server, GuardProxy({}) as guard:
        admitted = guard.admit(AllowedAddresses(True, frozenset(), ("127.0.0.1", 2)))
        login, _, address = admitted.env["http_proxy"].removeprefix("http://").rpartition("@")
        host, _, port = address.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        credentials = base64.b64encode(login.encode()).decode()
        request = f"GET {guarded_url(f'http://127.0.0.1:{server.port}/x')} HTTP/1.1\r\n"
        request += f"Proxy-Authorization: Basic {credentials}\r\n\r\n"
        writer.write(request.encode() * 2)
        received = await reader.read()
        writer.close()
    assert received.endswith(b"sound")
    assert server.received.count(b"GET /x") == 1
    assert f"Host: 127.0.0.1:{server.port}".encode() in server.received
