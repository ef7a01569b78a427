"""First requests are begun a few per turn of the event loop, and fairly by party."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack
from typing import Any

from tidzam.config.settings import LimitSettings
from tidzam.server.connections import ACCEPTED_PER_TURN, Connection, Connections
from tidzam.server.fair_queue import PER_TURN, FairQueue
from tidzam.server.violations import Violations

HEAD = b"GET /healthz HTTP/1.1\r\n\r\n"


class Peer(asyncio.Transport):
    """The transport of a connection from `address`."""

    def __init__(self, address: str) -> None:
        super().__init__({"peername": (address, 1234)})
        self.reads = True

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True


class Inner(asyncio.Protocol):
    """Stands for aiohttp's protocol: keeps what it receives."""

    def __init__(self, begun: list[Inner]) -> None:
        self._begun = begun
        self.received = b""

    def connection_made(self, transport: Any) -> None:
        self._begun.append(self)

    def data_received(self, data: bytes) -> None:
        self.received += data


class Arrivals:
    """Connections that arrive, and the requests of theirs that were begun."""

    def __init__(self) -> None:
        self.begun: list[Inner] = []
        self.connections = Connections(LimitSettings(), Violations("test"))
        self._factory = self.connections.factory(lambda: Inner(self.begun))

    def connect(self, peer: Peer, data: bytes = HEAD) -> Connection:
        connection = self._factory()
        assert isinstance(connection, Connection)
        connection.connection_made(peer)
        connection.data_received(data)
        return connection


async def turn() -> None:
    """One turn of the event loop."""
    await asyncio.sleep(0)


async def test_a_request_alone_is_begun_in_the_next_turn() -> None:
    arrivals = Arrivals()
    arrivals.connect(Peer("10.0.0.1"))
    await turn()
    assert [inner.received for inner in arrivals.begun] == [HEAD]


async def test_of_many_requests_a_few_are_begun_in_each_turn_and_all_in_the_end() -> None:
    arrivals, counts = Arrivals(), []
    for _ in range(PER_TURN * 3 + 1):
        arrivals.connect(Peer("10.0.0.1"))
    for _ in range(5):
        await turn()
        counts.append(len(arrivals.begun))
    assert counts == [PER_TURN, PER_TURN * 2, PER_TURN * 3, PER_TURN * 3 + 1, PER_TURN * 3 + 1]


async def test_many_requests_of_one_party_do_not_delay_the_first_of_another() -> None:
    arrivals = Arrivals()
    for number in range(500):
        arrivals.connect(Peer(f"2001:db8::{number + 1:x}"))
    other = HEAD.replace(b"healthz", b"metrics")
    arrivals.connect(Peer("10.0.0.2"), other)
    await turn()
    assert other in [inner.received for inner in arrivals.begun]


async def test_a_peer_that_goes_while_its_request_waits_leaves_nothing_behind() -> None:
    arrivals = Arrivals()
    connection = arrivals.connect(Peer("10.0.0.1"))
    assert len(arrivals.connections) == len(arrivals.connections.requests) == 1
    connection.connection_lost(None)
    await turn()
    assert len(arrivals.connections) == len(arrivals.connections.requests) == 0
    assert arrivals.begun == []


async def test_what_a_waiting_request_sends_is_bounded_and_kept() -> None:
    arrivals, peer = Arrivals(), Peer("10.0.0.1")
    connection = arrivals.connect(peer)
    connection.data_received(b"x" * 70_000)
    assert not peer.reads
    await turn()
    assert peer.reads
    assert arrivals.begun[0].received == HEAD + b"x" * 70_000


async def test_items_of_a_party_keep_their_order_and_one_failure_stops_no_other() -> None:
    begun: list[int] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda loop, context: None)

    def begin(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise ValueError

    turns = FairQueue(begin)
    for item in range(PER_TURN * 2):
        turns.add("one", item)
    turns.add("one", 0)
    for _ in range(4):
        await turn()
    assert begun == [*range(PER_TURN * 2)]
    assert len(turns) == 0


async def test_a_burst_of_connections_is_accepted_in_parts_and_waits_in_the_kernel() -> None:
    arrivals, most, before = Arrivals(), ACCEPTED_PER_TURN * 4, 0
    server = await arrivals.connections.listen(lambda: Inner(arrivals.begun), ["127.0.0.1"], 0)
    with ExitStack() as stack:
        for _ in range(most):
            stack.enter_context(socket.create_connection(server.sockets[0].getsockname(), timeout=5))
        async with asyncio.timeout(10):
            while before < most:
                await turn()
                assert len(arrivals.connections) - before <= ACCEPTED_PER_TURN + 1
                before = len(arrivals.connections)
        server.close()
        arrivals.connections.abort()
        await turn()
    assert len(arrivals.connections) == 0
