"""An analyzer's server without an analyzer behind it: it sends the events that a test gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pydantic import BaseModel

from tests.support.console_server import analyzer_health
from tests.support.eventually import eventually_async
from tidzam.server import Access, Server


class LiveAnalyzer:
    """`subscriptions` are what clients have subscribed to, by client."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.subscriptions: dict[str, Any] = {}
        server.on("subscribe", self._subscribe)

    async def _subscribe(self, sid: str, data: Any) -> None:
        self.subscriptions[sid] = data

    async def subscribed(self) -> None:
        """Wait for a client."""
        await eventually_async(lambda: self.subscriptions, what="a client subscribes")

    def events(self) -> set[str]:
        """The events to which clients have subscribed."""
        return {event for subscription in self.subscriptions.values() for event in subscription["events"]}

    async def send(self, name: str, event: BaseModel) -> None:
        """Send an event to all that have subscribed."""
        for sid in self.subscriptions:
            await self._server.emit(name, event.model_dump(mode="json"), to=sid)


@asynccontextmanager
async def live_analyzer(port: int, access: Access | None = None) -> AsyncIterator[LiveAnalyzer]:
    """An analyzer on a port of this machine."""
    server = Server("analyzer", host="127.0.0.1", port=port, health=analyzer_health, messages={}, access=access)
    made = LiveAnalyzer(server)
    async with server:
        yield made
