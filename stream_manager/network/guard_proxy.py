"""An HTTP proxy on the loopback address through which the sources of clients connect: only to allowed addresses.

Players follow redirections and segmented streams by themselves, and resolve names again. Here the address that has been
checked is the one that is connected to, for every connection. It serves only processes that know its password.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

from stream_manager.network.allowed_addresses import AllowedAddresses
from stream_manager.network.guard_connections import Connector, NotAllowedError, Streams
from stream_manager.network.guard_pass import GUARD_ENV, GuardPass
from stream_manager.network.guard_response import CHUNK_BYTES, pass_response
from stream_manager.network.guarded_content import ContentRefusedError
from stream_manager.network.proxy_request import ProxyRequest, parse_proxy_request
from tidzam.aio import first_completed
from tidzam.errors import RequestError

HOST = "127.0.0.1"
MAX_HEAD_BYTES = 32768
HEAD_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 8.0
_USER = "tidzam"
_NO_HOST = "/"
"""A value of `no_proxy` that no host matches. Of an empty one, ffmpeg considers every name with a final dot a match."""


class GuardProxy:
    """Serves while its context is open. `environment` may name a proxy that leads to other machines."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._passes: WeakValueDictionary[str, GuardPass] = WeakValueDictionary()
        """By password."""
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._connector = Connector(environment)

    def admit(self, allowed: AllowedAddresses) -> GuardPass:
        """A new pass, which is valid as long as it is referenced."""
        assert self._server is not None, "the context is not open"
        password, port = secrets.token_hex(16), self._server.sockets[0].getsockname()[1]
        address = f"http://{_USER}:{password}@{HOST}:{port}"
        env = {"http_proxy": address, "no_proxy": _NO_HOST, "NO_PROXY": _NO_HOST, GUARD_ENV: "1"}
        self._passes[password] = admitted = GuardPass(allowed, env)
        return admitted

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0, limit=MAX_HEAD_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for connection in self._connections:
            connection.cancel()
        if self._connections:
            await asyncio.wait(self._connections)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve((reader, writer)), name="guard proxy")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, client: Streams) -> None:
        """One connection of a player, until either side closes it."""
        reader, writer = client
        try:
            async with asyncio.timeout(HEAD_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            request = parse_proxy_request(head)
            admitted = self._admitted(request)
            server = await self._connect(request, admitted)
        except _RefusedError as refusal:
            await _answer(writer, refusal.status, refusal.header)
        except RequestError:
            await _answer(writer, "400 Bad Request")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _answer(writer, "502 Bad Gateway")
        else:
            await self._pass_on(request, admitted, client, server)
        finally:
            writer.transport.abort()

    def _admitted(self, request: ProxyRequest) -> GuardPass:
        """The pass of a request. Raises _RefusedError."""
        admitted = self._passes.get(request.password or "")
        if admitted is None:
            raise _RefusedError("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="tidzam"')
        return admitted

    async def _connect(self, request: ProxyRequest, admitted: GuardPass) -> Streams:
        """Raises _RefusedError and OSError."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                streams = await self._connector.connect(request, admitted.allowed)
        except NotAllowedError:
            admitted.refuse()
            raise _RefusedError("403 Forbidden") from None
        except OSError as error:
            admitted.fail(error)
            raise
        admitted.failure = None
        return streams

    async def _pass_on(self, request: ProxyRequest, admitted: GuardPass, client: Streams, server: Streams) -> None:
        """Pass on data until one side has closed the connection."""
        try:
            if request.inspected:  # the player is sent one response, and nothing that it sends meanwhile is passed on
                ended = await first_completed(_discard(client[0]), _respond(request, admitted, client, server))
            else:
                if request.is_tunnel and self._connector.upstream(request) is None:
                    client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                ended = await first_completed(_copy(client[0], server[1]), _copy(server[0], client[1]))
            if ended == 1:
                await _close(client[1])  # the player reads the rest at its own pace
        finally:
            server[1].transport.abort()


class _RefusedError(Exception):
    """The proxy refuses a request, with an HTTP status and a header."""

    def __init__(self, status: str, header: str = "") -> None:
        super().__init__(status)
        self.status, self.header = status, header


async def _respond(request: ProxyRequest, admitted: GuardPass, client: Streams, server: Streams) -> None:
    try:
        await pass_response(server[0], client[1], request.target.scheme)
    except ContentRefusedError:
        admitted.refuse()
        client[1].write(_response("403 Forbidden"))
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        client[1].write(_response("502 Bad Gateway"))


async def _discard(reader: asyncio.StreamReader) -> None:
    """Read until the connection is closed."""
    with suppress(OSError):
        while await reader.read(CHUNK_BYTES):
            pass


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what arrives, no faster than it is read, until either side has closed its connection."""
    with suppress(OSError):
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()


def _response(status: str, header: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", *([header] if header else []), "Content-Length: 0", "Connection: close", "", ""]
    return "\r\n".join(lines).encode()


async def _answer(writer: asyncio.StreamWriter, status: str, header: str = "") -> None:
    writer.write(_response(status, header))
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection once everything has been sent."""
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()
