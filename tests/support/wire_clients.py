"""The two Socket.IO clients that users have, with one interface: python-socketio, and socket.io-client in Node.

Node's packages are those of tests/conformance/package-lock.json, installed once into build/.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

import socketio

from tests.support.node_packages import node_packages

ROOT = Path(__file__).parents[2]
CONFORMANCE = ROOT / "tests" / "conformance"
ANSWER_S = 40.0
_LINE_BYTES = 1 << 20


class WireClient(Protocol):
    """A connected client."""

    async def emit(self, event: str, data: Any) -> None:
        """Send an event without a request for an acknowledgement."""

    async def call(self, event: str, data: Any) -> Any:
        """Send an event, and return its acknowledgement."""

    async def received(self, event: str) -> Any:
        """The data of the next event of that name."""


class _Inbox:
    """What has been received, a queue per event."""

    def __init__(self) -> None:
        self._queues: dict[str, asyncio.Queue[Any]] = {}

    def put(self, event: str, data: Any) -> None:
        self._queue(event).put_nowait(data)

    async def received(self, event: str) -> Any:
        async with asyncio.timeout(ANSWER_S):
            return await self._queue(event).get()

    def _queue(self, event: str) -> asyncio.Queue[Any]:
        return self._queues.setdefault(event, asyncio.Queue())


class PythonClient(_Inbox):
    def __init__(self, io: socketio.AsyncClient) -> None:
        super().__init__()
        self._io = io
        io.on("*", self._arrived)

    async def _arrived(self, event: str, data: Any = None) -> None:
        self.put(event, data)

    async def emit(self, event: str, data: Any) -> None:
        await self._io.emit(event, data)

    async def call(self, event: str, data: Any) -> Any:
        return await self._io.call(event, data, timeout=ANSWER_S)


class NodeClient(_Inbox):
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        super().__init__()
        self._process = process

    async def emit(self, event: str, data: Any) -> None:
        self._write([event, data])

    async def call(self, event: str, data: Any) -> Any:
        self._write(["$call", event, data])
        return await self.received("$ack")

    def _write(self, arguments: list[Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(_without_bytes(arguments)).encode() + b"\n")

    async def read(self) -> None:
        """Sort what arrives, until the process ends."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            self.put(*json.loads(line))


def _without_bytes(value: Any) -> Any:
    match value:
        case bytes():
            return {"$bytes": base64.b64encode(value).decode()}
        case list():
            return [_without_bytes(one) for one in value]
        case dict():
            return {key: _without_bytes(one) for key, one in value.items()}
    return value


@asynccontextmanager
async def python_client(url: str) -> AsyncIterator[WireClient]:
    io = socketio.AsyncClient(reconnection=False)
    client = PythonClient(io)
    await io.connect(url, transports=["websocket"])
    try:
        yield client
    finally:
        await io.disconnect()


@asynccontextmanager
async def node_client(url: str) -> AsyncIterator[WireClient]:
    folder = await asyncio.to_thread(node_packages, CONFORMANCE)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        "node", str(folder / "client.mjs"), url, stdin=pipe, stdout=pipe, limit=_LINE_BYTES
    )
    client = NodeClient(process)
    reading = asyncio.create_task(client.read())
    try:
        await client.received("$connect")
        yield client
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait([reading], timeout=5)
        if process.returncode is None and not reading.done():
            process.kill()
        await process.wait()
        reading.cancel()
