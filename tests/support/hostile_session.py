"""A client that sends hostile messages to a real server, from a test that is not asynchronous itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import socketio

ANSWER_S = 30.0
MARKER = "marker"
"""An event without a handler: when its refusal arrives, so has everything that was sent before."""


class HostileSession:
    """Sends messages and collects what comes back, on an event loop of its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self._loop, self._url = loop, url
        self._io = socketio.AsyncClient(reconnection=False)
        self._received: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def answers(self, event: str, data: Any, *, acknowledged: bool) -> list[Any]:
        """All that the server sends on `event`, or as its acknowledgement."""
        return self._loop.run_until_complete(self._answers(event, data, acknowledged))

    async def _answers(self, event: str, data: Any, acknowledged: bool) -> list[Any]:
        if not self._io.connected:
            await self._connect()
        if acknowledged:
            answers = [await self._io.call(event, data, timeout=ANSWER_S)]
        else:
            await self._io.emit(event, data)
            answers = [await self._next(event)]
        await self._io.call(MARKER, None, timeout=ANSWER_S)
        while not self._received.empty():
            name, content = self._received.get_nowait()
            answers += [content] if name == event else []
        return answers

    async def _connect(self) -> None:
        self._io = socketio.AsyncClient(reconnection=False)
        self._io.on("*", self._arrived)
        await self._io.connect(self._url, transports=["websocket"])
        await self._io.call(MARKER, None, timeout=ANSWER_S)  # a server may greet its clients
        while not self._received.empty():
            self._received.get_nowait()

    async def _arrived(self, event: str, data: Any = None) -> None:
        self._received.put_nowait((event, data))

    async def _next(self, event: str) -> Any:
        async with asyncio.timeout(ANSWER_S):
            while (arrived := await self._received.get())[0] != event:
                pass
        return arrived[1]

    def expect_one_error(self, event: str, data: Any, *, acknowledged: bool) -> None:
        """Raises AssertionError unless the server answers with one error in a short sentence."""
        found = self.answers(event, data, acknowledged=acknowledged)
        assert len(found) == 1, found
        error = found[0]["error"]
        assert set(error) == {"code", "message", "field"}, found
        assert error["code"] != "internal", (data, found)
        assert 0 < len(error["message"]) <= 1000
        assert "Traceback" not in error["message"]

    def close(self) -> None:
        self._loop.run_until_complete(self._io.disconnect())


@contextmanager
def hostile_session(serving: Callable[[], AbstractAsyncContextManager[str]]) -> Iterator[HostileSession]:
    """A session with the server that `serving` starts, at the address that it yields."""
    loop = asyncio.new_event_loop()
    server = serving()
    session = HostileSession(loop, loop.run_until_complete(server.__aenter__()))
    try:
        yield session
        session.close()
    finally:
        loop.run_until_complete(server.__aexit__(None, None, None))
        for task in (pending := asyncio.all_tasks(loop)):
            task.cancel()
        if pending:
            loop.run_until_complete(asyncio.wait(pending))
        loop.close()
