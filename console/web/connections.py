"""Connections of the console's server: how long one may be without a request, and how many there may be."""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from tidzam.config.settings import LimitSettings
from tidzam.server.connections import UNFINISHED_PER_ADDRESS, bound_send_buffer, party

log = logging.getLogger(__name__)

_SAID_EVERY_S: Final = 60.0


class WaitingConnection(Protocol):
    """A connection that may be ended while it waits."""

    address: str
    transport: asyncio.Transport


class WaitingConnections:
    """The connections that have not sent the head of a request yet, the oldest first."""

    def __init__(self, limits: LimitSettings, *, per_address: int = UNFINISHED_PER_ADDRESS) -> None:
        self.limits = limits
        self.handshakes = 0
        """How many connections have not completed their TLS handshake: the server does not count them yet."""
        self._per_address = per_address
        self._all: dict[WaitingConnection, None] = {}
        self._of: dict[str, dict[WaitingConnection, None]] = {}
        self._said_s = float("-inf")

    def __len__(self) -> int:
        return len(self._all)

    def add(self, connection: WaitingConnection, connected: int) -> None:
        """One more waits, of so many that are connected; those above the limits are ended, the oldest first."""
        of_address = self._of.setdefault(connection.address, {})
        self._all[connection] = of_address[connection] = None
        if len(of_address) > self._per_address:
            self._end(next(iter(of_address)), "its address has too many connections without a request")
        elif connected > self.limits.connections:
            self._end(next(iter(self._all)), "the console has too many connections")

    def remove(self, connection: WaitingConnection) -> None:
        """It waits no more."""
        self._all.pop(connection, None)
        of_address = self._of.get(connection.address, {})
        of_address.pop(connection, None)
        if not of_address:
            self._of.pop(connection.address, None)

    def end_late(self, connection: WaitingConnection) -> None:
        """End one that has not sent a complete request in time."""
        self._end(connection, "it did not send a request in time")

    def _end(self, connection: WaitingConnection, reason: str) -> None:
        self.remove(connection)
        now_s = asyncio.get_running_loop().time()
        if now_s - self._said_s > _SAID_EVERY_S:
            self._said_s = now_s
            log.warning("a connection of %s was ended: %s", connection.address or "an unknown address", reason)
        connection.transport.abort()


class BoundedProtocol(H11Protocol):
    """uvicorn's protocol for a connection that sends its requests in time, or is ended.

    uvicorn has a limit for the time between a response and the next request only. `waiting` is shared by all
    connections of a server: `bounded_protocol` makes the class.
    """

    waiting: WaitingConnections
    address = ""
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        bound_send_buffer(transport)
        self.address = party(self.client[0] if self.client else "")
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.IDLE:
            self._wait()
        else:
            self._wait_no_more()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        """The head of a request is to come, and has so long from its beginning."""
        if self._late is None:
            self._late = self.loop.call_later(self.waiting.limits.header_timeout_s, self.waiting.end_late, self)
            self.waiting.add(self, len(self.connections) + self.waiting.handshakes)

    def _wait_no_more(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
            self.waiting.remove(self)


def bounded_protocol(limits: LimitSettings) -> type[BoundedProtocol]:
    """The class of the connections of a server with these limits."""
    return type("ServerProtocol", (BoundedProtocol,), {"waiting": WaitingConnections(limits)})
