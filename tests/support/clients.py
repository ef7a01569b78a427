"""Socket.IO clients for a test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import socketio

from tests.support.manager import Manager


class ManagerClient:
    """A connected client."""

    def __init__(self, io: socketio.AsyncClient) -> None:
        self._io = io

    async def ask(self, **command: Any) -> dict[str, Any]:
        """The acknowledgement of a `sys` request."""
        return await self._io.call("sys", {"sys": command}, timeout=40)  # type: ignore[no-any-return]

    async def load(self, name: str, url: Path | str, **fields: Any) -> dict[str, Any]:
        return await self.ask(loadsource={"name": name, "url": str(url), **fields})


@asynccontextmanager
async def connected_to(url: str, *, reconnection: bool = False, **options: Any) -> AsyncIterator[socketio.AsyncClient]:
    """A client of any server, which leaves when the context is left. `options` are those of the connection."""
    io = socketio.AsyncClient(reconnection=reconnection)
    await io.connect(url, **options)
    try:
        yield io
    finally:
        await io.disconnect()


@asynccontextmanager
async def connected(manager: Manager) -> AsyncIterator[ManagerClient]:
    """A client, which leaves when the context is left."""
    async with connected_to(manager.url) as io:
        yield ManagerClient(io)
