"""An HTTP proxy on the loopback address through which the sources of clients connect: only to allowed addresses.

Players follow redirections and segmented streams by themselves, and resolve names again. Here the address that has been
checked is the one that is connected to, for every connection. It serves only processes that know its password.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import SplitResult, unquote, urlsplit
from weakref import WeakValueDictionary

from stream_manager.allowed_addresses import AllowedAddresses, resolve
from stream_manager.faults import SourceFailure, SourceFault
from stream_manager.proxy_request import ProxyRequest, basic_authorization, parse_proxy_request
from tidzam.aio import first_completed
from tidzam.errors import RequestError
from tidzam.proxy import LOCAL_HOSTS
from tidzam.text import comma_list

HOST = "127.0.0.1"
MAX_HEAD_BYTES = 32768
HEAD_TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 8.0
CHUNK_BYTES = 65536
_USER = "tidzam"
_PROXY_FAULTS: Final = (
    SourceFault.UNREACHABLE,
    SourceFault.ACCESS_DENIED,
    SourceFault.NOT_AUDIO,
    SourceFault.PLAYLIST,
    SourceFault.DIED,
)
"""What a player may report if its proxy refuses a connection."""
_NO_HOST = "/"
"""A value of `no_proxy` that no host matches. Of an empty one, ffmpeg considers every name with a final dot a match."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class GuardPass:
    """What lets the processes of one source connect to `allowed` addresses, by their environment `env`.

    `failure` is why their last connection could not be made, None if it could.
    """

    def __init__(self, allowed: AllowedAddresses, env: Mapping[str, str]) -> None:
        self.allowed, self.env = allowed, env
        self.failure: SourceFailure | None = None

    def explain(self, failure: SourceFailure) -> SourceFailure:
        """The reason of `failure`: a player only knows that its proxy refused a connection."""
        return failure if self.failure is None or failure.fault not in _PROXY_FAULTS else self.failure


class GuardProxy:
    """Serves while its context is open. `environment` may name a proxy that leads to other machines."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._passes: WeakValueDictionary[str, GuardPass] = WeakValueDictionary()
        """By password."""
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        upstream = urlsplit(environment.get("http_proxy", ""))
        self._upstream = upstream if upstream.scheme == "http" and upstream.hostname else None
        self._direct = {*LOCAL_HOSTS, *comma_list(environment.get("no_proxy") or environment.get("NO_PROXY") or "")}

    def admit(self, allowed: AllowedAddresses) -> GuardPass:
        """A new pass, which is valid as long as it is referenced."""
        assert self._server is not None, "the context is not open"
        password, port = secrets.token_hex(16), self._server.sockets[0].getsockname()[1]
        env = {"http_proxy": f"http://{_USER}:{password}@{HOST}:{port}", "no_proxy": _NO_HOST, "NO_PROXY": _NO_HOST}
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
            server = await self._connect(request)
        except _RefusedError as refusal:
            await _answer(writer, refusal.status, refusal.header)
        except RequestError:
            await _answer(writer, "400 Bad Request")
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _answer(writer, "502 Bad Gateway")
        else:
            await self._pass_on(request, client, server)
        finally:
            writer.transport.abort()

    async def _connect(self, request: ProxyRequest) -> Streams:
        """A connection that has been sent the request, once its addresses have been checked.

        Raises _RefusedError and OSError.
        """
        admitted = self._passes.get(request.password or "")
        if admitted is None:
            raise _RefusedError("407 Proxy Authentication Required", 'Proxy-Authenticate: Basic realm="tidzam"')
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                streams = await self._open(request, admitted.allowed)
        except _NotAllowedError:
            admitted.failure = SourceFailure(SourceFault.NOT_ALLOWED)
            raise _RefusedError("403 Forbidden") from None
        except OSError as error:
            admitted.failure = _unreachable(error)
            raise
        admitted.failure = None
        return streams

    async def _open(self, request: ProxyRequest, allowed: AllowedAddresses) -> Streams:
        """Raises _NotAllowedError and OSError."""
        upstream = None if request.target.host in self._direct else self._upstream
        resolved: list[str] = []
        with suppress(*((OSError,) if upstream else ())):  # the other proxy may know names that are unknown here
            resolved = await resolve(request.target)
        if not allowed.allows(request.target, resolved):
            raise _NotAllowedError
        if upstream is not None:
            reader, writer = await asyncio.open_connection(upstream.hostname, upstream.port or 80)
            writer.write(request.for_proxy(_authorization(upstream)))
        else:
            reader, writer = await _connect_to_first(resolved, request.target.port)
            writer.write(request.for_target())
        return reader, writer

    async def _pass_on(self, request: ProxyRequest, client: Streams, server: Streams) -> None:
        """Pass on data in both directions until one side has closed the connection."""
        try:
            if request.is_tunnel and (self._upstream is None or request.target.host in self._direct):
                client[1].write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            if await first_completed(_copy(client[0], server[1]), _copy(server[0], client[1])) == 1:
                await _close(client[1])  # the player reads the rest at its own pace
        finally:
            server[1].transport.abort()


class _NotAllowedError(Exception):
    """The target of a request is not allowed."""


class _RefusedError(Exception):
    """The proxy refuses a request, with an HTTP status and a header."""

    def __init__(self, status: str, header: str = "") -> None:
        super().__init__(status)
        self.status, self.header = status, header


def _unreachable(error: OSError) -> SourceFailure:
    if isinstance(error, socket.gaierror):
        is_final = error.errno in (socket.EAI_NONAME, socket.EAI_NODATA)  # else the name servers do not answer
        return SourceFailure(SourceFault.UNKNOWN_HOST if is_final else SourceFault.UNREACHABLE, error.strerror or "")
    if isinstance(error, TimeoutError):
        return SourceFailure(SourceFault.UNREACHABLE, "Connection timed out")
    return SourceFailure(SourceFault.UNREACHABLE, os.strerror(error.errno) if error.errno else "")


async def _connect_to_first(addresses: list[str], port: int) -> Streams:
    """A connection to the first of the IP addresses that accepts it. Raises OSError."""
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    for address in addresses:
        try:
            return await asyncio.open_connection(address, port)
        except OSError as error:
            failure = error
    raise failure


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on what arrives, no faster than it is read, until either side has closed its connection."""
    with suppress(OSError):
        while data := await source.read(CHUNK_BYTES):
            target.write(data)
            await target.drain()


def _authorization(upstream: SplitResult) -> str:
    if upstream.username is None:
        return ""
    return basic_authorization(unquote(upstream.username), unquote(upstream.password or ""))


async def _answer(writer: asyncio.StreamWriter, status: str, header: str = "") -> None:
    lines = [f"HTTP/1.1 {status}", *([header] if header else []), "Content-Length: 0", "Connection: close", "", ""]
    writer.write("\r\n".join(lines).encode())
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    """Close a connection once everything has been sent."""
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()
