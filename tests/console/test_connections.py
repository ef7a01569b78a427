"""Connections that send no request are ended, and there are never too many of them."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from console.__main__ import _configuration
from console.web import guard
from console.web.connections import BoundedProtocol, WaitingConnections, bounded_protocol
from console.web.guard import RequestGuard
from console.web.tls import tls_protocol
from tests.support.eventually import eventually_async
from tests.support.ports import free_port
from tidzam.config import Settings
from tidzam.config.settings import LimitSettings

pytestmark = pytest.mark.timeout(60)

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
SOON = LimitSettings(header_timeout_s=0.2)


async def echo(request: Request) -> PlainTextResponse:
    return PlainTextResponse(await request.body())


@asynccontextmanager
async def serving(protocol: Any, settings: Settings | None = None) -> AsyncIterator[int]:
    """A server with such connections, and its port."""
    port = free_port()
    app = Starlette(routes=[Route("/", echo, methods=["GET", "POST"])])
    served = app if settings is None else RequestGuard(app, settings)
    server = uvicorn.Server(uvicorn.Config(served, http=protocol, port=port, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    try:
        await eventually_async(lambda: server.started, what="the server listens")
        yield port
    finally:
        server.should_exit = True
        await task


async def ends(reader: asyncio.StreamReader) -> None:
    """Wait until the server has ended a connection."""
    async with asyncio.timeout(20):
        try:
            while await reader.read(1024):
                pass
        except ConnectionResetError:
            pass


@pytest.mark.parametrize("sent", [b"", b"G", GET[:-2]])
async def test_a_connection_without_a_whole_request_is_ended_in_time(sent: bytes) -> None:
    async with serving(bounded_protocol(SOON)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        await ends(reader)


async def test_a_second_request_that_never_ends_is_ended_too() -> None:
    async with serving(bounded_protocol(SOON)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
        writer.write(b"GET / HT")
        await ends(reader)


async def test_a_request_may_take_longer_than_its_head() -> None:
    async with serving(bounded_protocol(SOON)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\n")
        await asyncio.sleep(2 * SOON.header_timeout_s)  # time must pass, and nothing happen
        writer.write(b"wren")
        assert (await reader.read())[-4:] == b"wren"


async def test_a_body_that_does_not_come_ends_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_STALLED_S", 0.1)
    async with serving(bounded_protocol(LimitSettings()), Settings()) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost:8090\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwr")
        await ends(reader)


def limited(connections: int, per_address: int) -> type[BoundedProtocol]:
    limits = LimitSettings.model_construct(**{**dict(LimitSettings()), "connections": connections})
    return type("Limited", (BoundedProtocol,), {"waiting": WaitingConnections(limits, per_address=per_address)})


@pytest.mark.parametrize("protocol", [limited(2, 9), limited(9, 2)])
async def test_of_too_many_that_wait_the_oldest_is_ended(protocol: type[BoundedProtocol]) -> None:
    async with serving(protocol) as port:
        first, _ = await asyncio.open_connection("127.0.0.1", port)
        await eventually_async(lambda: len(protocol.waiting) == 1, what="the first waits")
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await ends(first)
        assert len(protocol.waiting) == 2
        for _, writer in others:
            writer.close()
        await eventually_async(lambda: len(protocol.waiting) == 0, what="those that left are forgotten")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key and a certificate of the name `localhost`."""
    path = tmp_path_factory.mktemp("tls") / "localhost.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run([*make, "-keyout", path, "-out", path.with_suffix(".crt")], check=True, capture_output=True)
    path.write_text(path.read_text() + path.with_suffix(".crt").read_text())
    return path


@asynccontextmanager
async def serving_tls(protocol: type[BoundedProtocol], certificate: Path) -> AsyncIterator[int]:
    """The same over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with serving(tls_protocol(protocol, context)) as port:
        yield port


async def test_over_tls_a_request_is_answered(certificate: Path) -> None:
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with serving_tls(bounded_protocol(LimitSettings()), certificate) as port:
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trusting)
        writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nConnection: close\r\n\r\nwren")
        assert (await reader.read())[-4:] == b"wren"
        writer.close()


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01", GET])
async def test_a_handshake_that_is_not_done_in_time_ends_the_connection(certificate: Path, sent: bytes) -> None:
    protocol = bounded_protocol(SOON)
    async with serving_tls(protocol, certificate) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        await ends(reader)
        await eventually_async(lambda: len(protocol.waiting) == 0, what="it is forgotten")


@pytest.mark.parametrize("protocol", [limited(2, 9), limited(9, 2)])
async def test_of_too_many_without_a_handshake_the_oldest_is_ended(
    certificate: Path, protocol: type[BoundedProtocol]
) -> None:
    async with serving_tls(protocol, certificate) as port:
        first, _ = await asyncio.open_connection("127.0.0.1", port)
        await eventually_async(lambda: len(protocol.waiting) == 1, what="the first waits")
        others = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        await ends(first)
        for _, writer in others:
            writer.close()
        await eventually_async(lambda: len(protocol.waiting) == 0, what="those that left are forgotten")


async def test_one_that_has_sent_its_request_does_not_count() -> None:
    protocol = limited(9, 1)
    async with serving(protocol) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readline()
        await asyncio.open_connection("127.0.0.1", port)
        await eventually_async(lambda: len(protocol.waiting) == 1, what="the second waits")
        assert not reader.at_eof()


def test_the_program_has_the_limits_of_its_profile() -> None:
    settings = Settings(limits=LimitSettings(header_timeout_s=3))
    protocol = _configuration(settings, echo).http_protocol_class
    assert issubclass(protocol, BoundedProtocol)
    assert protocol.waiting.limits.header_timeout_s == 3
