"""The connections of the guard proxy to the targets of requests: to the very addresses that were checked."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import SplitResult, unquote, urlsplit

from stream_manager.network.allowed_addresses import AllowedAddresses, resolve
from stream_manager.network.proxy_request import ProxyRequest, basic_authorization
from tidzam.proxy import LOCAL_HOSTS
from tidzam.text import comma_list

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class NotAllowedError(Exception):
    """The target of a request is not allowed."""


class Connector:
    """Makes connections. `environment` may name a proxy that leads to other machines."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        upstream = urlsplit(environment.get("http_proxy", ""))
        self._upstream = upstream if upstream.scheme == "http" and upstream.hostname else None
        self._direct = {*LOCAL_HOSTS, *comma_list(environment.get("no_proxy") or environment.get("NO_PROXY") or "")}

    def upstream(self, request: ProxyRequest) -> SplitResult | None:
        """The proxy by way of which the target is reached; None if it is reached directly."""
        return None if request.target.host in self._direct else self._upstream

    async def connect(self, request: ProxyRequest, allowed: AllowedAddresses) -> Streams:
        """A connection that has been sent the request. Raises NotAllowedError and OSError."""
        upstream = self.upstream(request)
        resolved: list[str] = []
        with suppress(*((OSError,) if upstream else ())):  # the other proxy may know names that are unknown here
            resolved = await resolve(request.target)
        if not allowed.allows(request.target, resolved):
            raise NotAllowedError
        if upstream is None:
            reader, writer = await _connect_to_first(resolved, request.target.port)
        else:
            reader, writer = await asyncio.open_connection(upstream.hostname, upstream.port or 80)
        try:
            await _send(request, upstream, reader, writer)
        except BaseException:
            writer.transport.abort()
            raise
        return reader, writer


async def _send(
    request: ProxyRequest, upstream: SplitResult | None, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    if upstream is not None and not request.is_encrypted:
        writer.write(request.for_proxy(_authorization(upstream)))
        return
    if upstream is not None:
        writer.write(request.for_tunnel(_authorization(upstream)))
        await _require_tunnel(reader)
    if request.is_encrypted:
        await writer.start_tls(_unverified(), server_hostname=request.target.host)
    writer.write(request.for_target())


async def _connect_to_first(addresses: list[str], port: int) -> Streams:
    """A connection to the first of the IP addresses that accepts it. Raises OSError."""
    failure: OSError = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    for address in addresses:
        try:
            return await asyncio.open_connection(address, port)
        except OSError as error:
            failure = error
    raise failure


async def _require_tunnel(reader: asyncio.StreamReader) -> None:
    """Raises OSError unless the other proxy has made the connection."""
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        answer = b""
    if answer.split(b" ")[1:2] != [b"200"]:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "the proxy makes no connection")


def _unverified() -> ssl.SSLContext:
    """Certificates are not verified, as players do not: many cameras and servers of streams sign their own."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _authorization(upstream: SplitResult) -> str:
    if upstream.username is None:
        return ""
    return basic_authorization(unquote(upstream.username), unquote(upstream.password or ""))
