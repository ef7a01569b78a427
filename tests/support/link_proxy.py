"""A TCP proxy on the loopback that behaves like a bad link: it cuts connections, delays and slows them down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

_PIECE: Final = 2048


@dataclass
class LinkProxy:
    """Passes connections on to `target`, an address such as `http://127.0.0.1:8090`.

    `cuts` holds, for the next connections, the number of bytes of the client after which each is cut; then none is.
    While `is_down`, connections are closed at once. `delay_s` is added to every piece of 2 kB, in both directions.
    With `loses_answers`, the answer to that many connections is cut off after the request has arrived.
    """

    target: str
    cuts: list[int] = field(default_factory=list)
    is_down: bool = False
    delay_s: float = 0.0
    loses_answers: int = 0
    url: str = ""
    connections: int = 0
    sent: int = 0
    """Bytes of clients that were passed on."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass a connection on."""
        self.connections += 1
        if self.is_down:
            writer.transport.abort()
            return
        parts = urlsplit(self.target)
        try:
            there, back = await asyncio.open_connection(parts.hostname, parts.port)
        except OSError:
            writer.transport.abort()
            return
        limit = self.cuts.pop(0) if self.cuts else None
        swallows = self.loses_answers > 0
        self.loses_answers -= swallows
        ways = [
            asyncio.create_task(self._pass(reader, back, limit=limit, is_up=True)),
            asyncio.create_task(self._pass(there, writer, limit=0 if swallows else None)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            for one in (writer, back):
                one.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, limit: int | None, is_up: bool = False
    ) -> None:
        """Pass on what comes, up to `limit` bytes."""
        with suppress(ConnectionError):
            while piece := await reader.read(_PIECE):
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                if self.is_down:
                    return
                if limit is not None:
                    piece, limit = piece[:limit], limit - len(piece[:limit])
                writer.write(piece)
                await writer.drain()
                self.sent += len(piece) * is_up
                if limit == 0:
                    return


@asynccontextmanager
async def link_proxy(target: str, **options: object) -> AsyncIterator[LinkProxy]:
    """A proxy while the context is open."""
    proxy = LinkProxy(target, **options)  # type: ignore[arg-type]
    server = await asyncio.start_server(proxy.handle, "127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield proxy
        server.close()
