"""TLS: connections count from when they are accepted, and their handshake has to be done in time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Any, cast

from console.web.connections import BoundedProtocol, WaitingConnections
from tidzam.server.connections import bound_send_buffer, party

MakeProtocol = Callable[..., BoundedProtocol]


class EarlyData(asyncio.Protocol):
    """Keeps what arrives right after a handshake, until the protocol that is to receive it is connected."""

    def __init__(self) -> None:
        self.data = b""
        self.is_lost = False

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True


class TlsConnection(asyncio.Protocol):
    """A connection before its handshake, which `inner` takes over.

    uvicorn hears of a connection after the handshake only, which a client may never complete.
    """

    transport: asyncio.Transport
    address = ""

    def __init__(self, inner: BoundedProtocol, context: ssl.SSLContext) -> None:
        self._inner, self._context = inner, context
        self._shaking_hands: asyncio.Task[None] | None = None

    @property
    def _waiting(self) -> WaitingConnections:
        return self._inner.waiting

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        bound_send_buffer(transport)
        peer = transport.get_extra_info("peername")
        self.address = party(str(peer[0]) if peer else "")
        self._waiting.handshakes += 1
        self._waiting.add(self, len(self._inner.connections) + self._waiting.handshakes)
        self._shaking_hands = asyncio.get_running_loop().create_task(self._shake_hands())

    def connection_lost(self, exc: Exception | None) -> None:
        self._waiting.remove(self)

    async def _shake_hands(self) -> None:
        early, loop = EarlyData(), asyncio.get_running_loop()
        timeout_s = self._waiting.limits.header_timeout_s
        try:
            secured = await loop.start_tls(
                self.transport, early, self._context, server_side=True, ssl_handshake_timeout=timeout_s
            )
        except (OSError, EOFError):  # it spoke no TLS, took too long, or has gone; an SSLError is an OSError
            self.transport.abort()
            return
        finally:
            self._waiting.handshakes -= 1
            self._waiting.remove(self)
        if secured is None or early.is_lost:
            return
        self._inner.connection_made(secured)
        secured.set_protocol(self._inner)
        if early.data:
            self._inner.data_received(early.data)


def tls_protocol(make: MakeProtocol, context: ssl.SSLContext) -> Callable[..., asyncio.Protocol]:
    """What makes the protocol of a connection that begins with a handshake, and goes on as `make` makes it."""

    def connection(**arguments: Any) -> asyncio.Protocol:
        return TlsConnection(make(**arguments), context)

    return connection
