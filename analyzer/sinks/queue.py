"""A bounded queue before everything that takes what was heard: whoever is slow loses messages, and holds up nobody."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from tidzam.results import AnalyzedBatch

log = logging.getLogger(__name__)

_LIMIT: Final = 8


class BoundedSink:
    """Hands hops to `deliver` one by one. What does not fit is dropped whole, counted and, once a spell, logged."""

    def __init__(self, name: str, deliver: Callable[[AnalyzedBatch], Awaitable[None]], *, limit: int = _LIMIT) -> None:
        self._name, self._deliver = name, deliver
        self._queue: asyncio.Queue[AnalyzedBatch] = asyncio.Queue(limit)
        self._dropping = False
        self.dropped = 0

    def put(self, hop: AnalyzedBatch) -> None:
        """Queue a hop, or drop it. Never waits."""
        full = self._queue.full()
        if full:
            self.dropped += 1
        else:
            self._queue.put_nowait(hop)
        if full and not self._dropping:
            log.warning("%s cannot keep up: hops are dropped (%d so far)", self._name, self.dropped)
        self._dropping = full

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            await self._deliver(await self._queue.get())
