"""Turns in which the processes of the stream manager open their JACK clients."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import Enum
from typing import Final

from stream_manager.jack.graph import JackGraph

AT_ONCE: Final = 2
TURN_S: Final = 3.0
"""How long one client may delay the others: a process may take a while until it opens its client, or never do it."""


class Opener(Enum):
    """What opens a JACK client, in the order in which they get their turns."""

    LIVE_STREAMS = "live_streams"
    """One process for all; its clients send already."""
    PLAYER = "player"
    OUTPUT = "output"


class ClientOpenings:
    """Has only `at_once` processes open a JACK client at the same time, in the order of `Opener`.

    While jackd opens clients on a busy machine, it may fall behind with its own messages about late cycles. One that is
    cut off makes it wait for the rest, and serve no request any more (jack2, pull requests 386 and 548).
    """

    def __init__(self, graph: JackGraph, *, at_once: int = AT_ONCE, turn_s: float = TURN_S) -> None:
        self._graph, self._turn_s, self._free = graph, turn_s, at_once
        self._waiting: dict[Opener, deque[asyncio.Future[None]]] = {opener: deque() for opener in Opener}
        self._turns: dict[str, asyncio.Task[None]] = {}

    @asynccontextmanager
    async def turn(self, client: str, opener: Opener = Opener.OUTPUT) -> AsyncIterator[None]:
        """Wait for a turn to open the JACK client `client`, by a process that is started in the context.

        The turn is over when the client has ports, when it is said to be open, when the context ends, or after
        `turn_s`.
        """
        await self._take_place(self._waiting[opener])
        opening = asyncio.create_task(self._until_open(client), name=f"{client} opens")
        opening.add_done_callback(lambda task: self._give_place())
        self._turns[client] = opening
        try:
            yield
        finally:
            opening.cancel()
            if self._turns.get(client) is opening:
                del self._turns[client]

    def opened(self, client: str) -> None:
        """End the turn of `client`, if it has one: the client is open, although it may have no ports for a while."""
        if client in self._turns:
            self._turns[client].cancel()

    async def _take_place(self, waiting: deque[asyncio.Future[None]]) -> None:
        if self._free:  # then nobody waits
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # it was given the place just before
                self._give_place()
            raise

    def _give_place(self) -> None:
        """Give a place to the first kind of opener that waits, and there to who has waited longest."""
        for waiting in self._waiting.values():
            while waiting:
                place = waiting.popleft()
                if not place.done():
                    place.set_result(None)
                    return
        self._free += 1

    async def _until_open(self, client: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._turn_s):
                await self._graph.until(lambda graph: graph.has_client(client))
