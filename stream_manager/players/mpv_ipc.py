"""mpv's JSON IPC on an inherited socket, by which one mpv reports its position."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

ANSWER_TIMEOUT_S = 2.0
POSITION = "audio-pts"


class MpvIpc:
    """`fd` is the descriptor that mpv inherits, `option` the argument for it. Call `started` once mpv is running."""

    def __init__(self, ours: socket.socket, theirs: socket.socket) -> None:
        self._ours, self._theirs = ours, theirs
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._number = 0

    @property
    def fd(self) -> int:
        return self._theirs.fileno()

    @property
    def option(self) -> str:
        return f"--input-ipc-client=fd://{self.fd}"

    async def started(self) -> None:
        self._theirs.close()
        self._streams = await asyncio.open_connection(sock=self._ours)

    async def position_s(self) -> float | None:
        """The position in the media; None if mpv plays nothing yet. Raises TimeoutError; OSError if mpv has ended."""
        assert self._streams is not None
        self._number += 1
        request = {"command": ["get_property", POSITION], "request_id": self._number}
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            self._streams[1].write(json.dumps(request).encode() + b"\n")
            await self._streams[1].drain()
            answer = await self._answer(self._streams[0])
        position = answer.get("data")
        return float(position) if isinstance(position, int | float) else None

    async def _answer(self, lines: asyncio.StreamReader) -> dict[str, Any]:
        """The answer to the last request; other messages, and late answers to earlier requests, are skipped."""
        while line := await lines.readline():
            message = json.loads(line)
            if message.get("request_id") == self._number:
                return dict(message)
        raise ConnectionResetError("mpv has closed its IPC socket")

    def close(self) -> None:
        """Close the connection; mpv then ends as if its user had quit."""
        if self._streams is not None:
            self._streams[1].close()
        self._theirs.close()
        self._ours.close()


@asynccontextmanager
async def mpv_ipc() -> AsyncIterator[MpvIpc]:
    """The IPC of one mpv, closed with the context."""
    channel = MpvIpc(*socket.socketpair())
    try:
        yield channel
    finally:
        channel.close()
