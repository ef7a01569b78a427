"""A stream manager that reports a source which plays, and an Icecast that streams its channels.

The benchmark of the console needs them and does not measure them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from tests.support.console_server import source
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tidzam.server import Health, Server

CHANNELS: Final = 4
MOUNTS: Final = tuple(f"feeder-out_{number}.ogg" for number in range(CHANNELS))
_PART_BYTES: Final = 1200
_PART_S: Final = 0.1
"""96 kbit/s, which is what Icecast sends of a channel."""


@dataclass(frozen=True)
class StandIns:
    """Their ports."""

    manager_port: int = field(default_factory=free_port)
    icecast_port: int = field(default_factory=free_port)

    @contextmanager
    def serving(self) -> Iterator[StandIns]:
        """Serve in a thread for as long as the context is open."""
        loop, stop, started = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
        work = self._serve(started, stop)
        thread = threading.Thread(target=lambda: loop.run_until_complete(work), daemon=True)
        thread.start()
        try:
            eventually(started.is_set, what="the stand-ins serve")
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(timeout=20)
            loop.close()

    async def _serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_get("/{mount}", _stream)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.icecast_port).start()
        async with Server("manager", host="127.0.0.1", port=self.manager_port, health=self._health, messages={}):
            started.set()
            await stop.wait()
        await runner.cleanup()

    def _health(self) -> Health:
        mounts = [f"http://127.0.0.1:{self.icecast_port}/{mount}" for mount in MOUNTS]
        sources = [source("feeder", CHANNELS, mounts=mounts)]
        detail: dict[str, Any] = {"jack": True, "icecast": True, "rate_hz": 48000, "faults": [], "sources": sources}
        return Health(True, (), detail)


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/ogg"})
    await response.prepare(request)
    with suppress(ConnectionResetError):  # the listener has left
        while True:
            await response.write(b"OggS".ljust(_PART_BYTES, b"\0"))
            await asyncio.sleep(_PART_S)
    return response
