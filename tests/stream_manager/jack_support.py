"""A JACK graph that follows a real server, for contract tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from stream_manager.jack.graph import JackGraph
from tests.support.jack import JackServer


@asynccontextmanager
async def following(server: JackServer, *, output_suffixes: tuple[str, ...] = ()) -> AsyncIterator[JackGraph]:
    """The graph of `server`, once it is known."""
    graph = JackGraph(server.name, expected_rate_hz=server.rate_hz, output_suffixes=output_suffixes)
    watching = asyncio.create_task(graph.watch())
    try:
        await graph.until(lambda g: g.running)
        yield graph
    finally:
        watching.cancel()
        await asyncio.wait([watching])
