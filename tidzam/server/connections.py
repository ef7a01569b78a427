"""TCP connections: limits on their number and on the time that a request may take to arrive."""

from __future__ import annotations

import asyncio
import ipaddress
import resource
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from functools import lru_cache
from typing import cast

from tidzam.config.settings import LimitSettings
from tidzam.server.fair_queue import FairQueue
from tidzam.server.violations import Violations

MOST_DESCRIPTORS = 16384
UNFINISHED_PER_ADDRESS = 64
"""Connections of one address that may be without a whole request for longer than `_YOUNG_S`."""
_YOUNG_S = 1.0
_LONGEST_HEAD = 65536
_END_OF_HEAD = b"\r\n\r\n"
_SEND_BUFFER_BYTES = 65536
ACCEPTED_PER_TURN = 16
"""Connections that a turn of the event loop accepts, for each address that the server listens on."""
_BACKLOG = 512
_DISCARD = struct.pack("ii", 1, 0)
"""Of SO_LINGER: on, for zero seconds."""


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to what the system permits, up to MOST_DESCRIPTORS; returns the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(MOST_DESCRIPTORS, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return MOST_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def affordable(limits: LimitSettings) -> LimitSettings:
    """`limits` with connections for at most half of the file descriptors; raises their limit first."""
    return limits.model_copy(update={"connections": min(limits.connections, raise_descriptor_limit() // 2)})


def bound_send_buffer(transport: asyncio.BaseTransport) -> None:
    """Prevent the kernel from buffering megabytes for a client that does not read."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


def reset(transport: asyncio.Transport) -> None:
    """End a connection with what was sent and not read: the kernel would keep that for minutes."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with suppress(OSError):  # it is closed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
    transport.abort()


class State(Enum):
    """The state of a connection."""

    RECEIVING = "receiving"
    """It has not sent a complete request yet."""
    SERVING = "serving"
    """Its request is in progress; a WebSocket stays in this state."""
    IDLE = "idle"
    """Its last request was answered."""


class Connection(asyncio.Protocol):
    """Tracks the state of a connection, between its transport and the protocol of aiohttp.

    aiohttp's protocol, which costs a task, is created once the head of a request has been received and it is the
    connection's turn.
    """

    def __init__(self, make_inner: Callable[[], asyncio.Protocol], connections: Connections) -> None:
        self._make_inner, self._connections = make_inner, connections
        self._inner: asyncio.Protocol | None = None
        self._head = bytearray()
        self.transport: asyncio.Transport | None = None
        self.address = ""
        self.state = State.RECEIVING
        self.since = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self.address = str(peer[0]) if peer else ""
        bound_send_buffer(transport)
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        if self.state is State.IDLE:
            self.become(State.RECEIVING)
        if self._inner is not None:
            self._inner.data_received(data)
            return
        self._head += data
        is_long = len(self._head) >= _LONGEST_HEAD
        if is_long or _END_OF_HEAD in self._head:
            self._connections.requests.add(party(self.address), self)
        if is_long and self.transport is not None:
            self.transport.pause_reading()

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else False

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def begin(self) -> None:
        """Have aiohttp serve the connection, from what was received of its first request."""
        assert self.transport is not None
        if self.transport.is_closing():
            return
        data, self._head = bytes(self._head), bytearray()
        self._inner = self._make_inner()
        self._inner.connection_made(self.transport)
        self.transport.resume_reading()
        self._inner.data_received(data)

    def become(self, state: State) -> None:
        self._connections.move(self, state)
        self.since = time.monotonic()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class Connections:
    """All connections of a server. Call `survey` about every second."""

    def __init__(self, limits: LimitSettings, violations: Violations) -> None:
        self._limits, self._violations = limits, violations
        self._by_transport: dict[asyncio.Transport, Connection] = {}
        self._by_state: dict[State, dict[Connection, None]] = {state: {} for state in State}
        self.requests: FairQueue[Connection] = FairQueue(Connection.begin)
        """The connections that have sent the head of their first request, which is not begun yet."""

    def __len__(self) -> int:
        return len(self._by_transport)

    def factory(self, inner: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """The protocol factory to listen with, around that of aiohttp."""
        return lambda: Connection(inner, self)

    async def listen(self, inner: Callable[[], asyncio.Protocol], hosts: str | list[str], port: int) -> asyncio.Server:
        """Accept connections for aiohttp's protocols. Raises OSError."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self.factory(inner), hosts, port, backlog=ACCEPTED_PER_TURN)
        for place in server.sockets:
            with place.dup() as listener:  # asyncio accepts its backlog in one turn; more than that may wait
                listener.listen(_BACKLOG)
        return server

    def of(self, transport: asyncio.Transport | None) -> Connection | None:
        return self._by_transport.get(transport) if transport is not None else None

    def add(self, connection: Connection) -> None:
        """Add a connection; if there are too many, the one that has been without a request for longest is closed."""
        assert connection.transport is not None
        if len(self) >= self._limits.connections:
            waiting = [*self._by_state[State.RECEIVING], *self._by_state[State.IDLE]]
            victim = waiting[0] if waiting else connection
            self._violations.report(victim.address, "lost a connection because the server has too many")
            victim.abort()
            if victim is connection:
                return
            self.remove(victim)
        self._by_transport[connection.transport] = connection
        self._by_state[connection.state][connection] = None

    def remove(self, connection: Connection) -> None:
        if connection.transport is not None:
            self._by_transport.pop(connection.transport, None)
        self.requests.remove(party(connection.address), connection)
        self._by_state[connection.state].pop(connection, None)

    def move(self, connection: Connection, state: State) -> None:
        if self._by_state[connection.state].pop(connection, "absent") is None:
            self._by_state[state][connection] = None
        connection.state = state

    def abort(self) -> None:
        """End every connection."""
        for connection in list(self._by_transport.values()):
            connection.abort()

    def survey(self) -> None:
        """Close connections that take too long to send a request, and those of an address that has too many."""
        now = time.monotonic()
        for connection in overdue(list(self._by_state[State.RECEIVING]), self._limits.header_timeout_s, now):
            self._violations.report(connection.address, "did not send a complete request in time and was disconnected")
            connection.abort()
        for connection in overdue(list(self._by_state[State.IDLE]), self._limits.idle_timeout_s, now):
            connection.abort()
        for connection in surplus(list(self._by_state[State.RECEIVING]), UNFINISHED_PER_ADDRESS, now):
            self._violations.report(connection.address, "has too many unfinished requests; the oldest were closed")
            connection.abort()
        for connection in surplus(list(self._by_state[State.IDLE]), self._limits.clients_per_address, now):
            connection.abort()


@lru_cache(maxsize=4096)
def party(address: str) -> str:
    """The party that an address counts as: all of loopback is one, and so is a /64 of IPv6: one client may hold it."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is None:
            return "loopback" if parsed.is_loopback else str(ipaddress.ip_network((parsed, 64), strict=False))
        parsed = parsed.ipv4_mapped
    return "loopback" if parsed.is_loopback else str(parsed)


def overdue(connections: list[Connection], timeout_s: float, now: float) -> list[Connection]:
    return [connection for connection in connections if now - connection.since > timeout_s]


def surplus(connections: list[Connection], most: int, now: float) -> list[Connection]:
    """The oldest connections of each address that has more than `most`, but none that is younger than a second."""
    counts = Counter(party(connection.address) for connection in connections)
    found = []
    for connection in connections:
        if counts[party(connection.address)] > most and now - connection.since > _YOUNG_S:
            counts[party(connection.address)] -= 1
            found.append(connection)
    return found
