"""Turns in which the processes of the stream manager open their JACK clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from stream_manager.jack.graph import JackGraph

AT_ONCE: Final = 2
TURN_S: Final = 3.0
"""How long one client may delay the others: a process may take a while until it opens its client, or never do it."""


class ClientOpenings:
    """Has only `at_once` processes open a JACK client at the same time, in the order in which they come.

    While jackd opens clients on a busy machine, it may fall behind with its own messages about late cycles. One that is
    cut off makes it wait for the rest, and serve no request any more (jack2, pull requests 386 and 548).
    """

    def __init__(self, graph: JackGraph, *, at_once: int = AT_ONCE, turn_s: float = TURN_S) -> None:
        self._graph, self._turn_s = graph, turn_s
        self._places = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def turn(self, client: str) -> AsyncIterator[None]:
        """Wait for a turn to open the JACK client `client`, by a process that is started in the context.

        The turn is over when the client has ports, when the context ends, or after `turn_s`.
        """
        await self._places.acquire()
        opening = asyncio.create_task(self._until_open(client), name=f"{client} opens")
        opening.add_done_callback(lambda task: self._places.release())
        try:
            yield
        finally:
            opening.cancel()

    async def _until_open(self, client: str) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._turn_s):
                await self._graph.until(lambda graph: graph.has_client(client))
