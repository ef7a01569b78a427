"""The events of the shadow cascade for the clients that subscribe to them."""

from __future__ import annotations

from analyzer.sinks.socketio import SocketIoSink
from tidzam.results import AnalyzedBatch


class ShadowEvents:
    """A sink with a queue of its own, so that the events of the shadow never delay the live ones."""

    def __init__(self, events: SocketIoSink) -> None:
        self._events = events

    async def open(self) -> None:
        """Nothing to open."""

    async def deliver(self, analyzed: AnalyzedBatch) -> None:
        await self._events.deliver_shadow(analyzed)

    async def close(self) -> None:
        """Nothing to close."""
