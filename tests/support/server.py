"""A server of the product with a few handlers, and clients that speak raw HTTP, Engine.IO and WebSocket to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import socketio

from tests.support.ports import free_port
from tidzam.config.settings import AccessSettings, LimitSettings
from tidzam.server import Access, Authenticator, Client, Health, Right, Server

TOKEN = "a-token-of-43-characters-0123456789-abcdefg"
HANDSHAKE = "/socket.io/?EIO=4&transport=polling"


class RunningServer:
    """A running server, what its handlers changed, and where it is."""

    def __init__(self, server: Server, port: int, host: str) -> None:
        self.server, self.port = server, port
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self.changes: list[Any] = []
        self.callers: list[Client] = []

    async def change(self, sid: str, data: Any) -> dict[str, Any]:
        self.changes.append(data)
        self.callers.append(self.server.client(sid))
        return {"changed": True}

    async def read(self, sid: str, data: Any) -> dict[str, Any]:
        return {"read": data}


@asynccontextmanager
async def serving(
    *,
    host: str = "127.0.0.1",
    settings: AccessSettings | None = None,
    limits: LimitSettings | None = None,
    access: Access | None = None,
    token: str | None = TOKEN,
    authenticators: Sequence[Authenticator] = (),
    routes: Callable[[Server], None] = lambda _: None,
) -> AsyncIterator[RunningServer]:
    """Events: `change`, registered without the right that it needs, and `read`, which needs `listen`.

    `routes` adds further routes to the server before it starts.
    """
    port = free_port()
    rules = access or Access.of(settings or AccessSettings(), host=host, token=token)
    server = Server(
        "test",
        host=host,
        port=port,
        health=lambda: Health(True, (), {"secret": "detail"}),
        messages={},
        access=rules,
        limits=limits,
        authenticators=authenticators,
    )
    running = RunningServer(server, port, "127.0.0.1" if host == "0.0.0.0" else host)
    server.on("change", running.change)
    server.on("read", running.read, needs=Right.LISTEN)
    routes(server)
    async with server:
        yield running


@asynccontextmanager
async def client(
    running: RunningServer, *, transport: str = "websocket", auth: Any = None, headers: dict[str, str] | None = None
) -> AsyncIterator[socketio.AsyncClient]:
    io = socketio.AsyncClient(reconnection=False)
    await io.connect(running.url, transports=[transport], auth=auth, headers=headers or {})
    try:
        yield io
    finally:
        await io.disconnect()


class Polling:
    """Engine.IO over raw HTTP requests."""

    def __init__(self, http: aiohttp.ClientSession, url: str, eio_sid: str) -> None:
        self._http, self.url, self.eio_sid = http, f"{url}{HANDSHAKE}&sid={eio_sid}", eio_sid

    @classmethod
    async def open(cls, http: aiohttp.ClientSession, running: RunningServer) -> Polling:
        async with http.get(running.url + HANDSHAKE) as answer:
            assert answer.status == 200, await answer.text()
            return cls(http, running.url, json.loads((await answer.text())[1:])["sid"])

    async def post(self, body: str | bytes) -> int:
        async with self._http.post(self.url, data=body) as answer:
            await answer.read()
            return answer.status

    async def poll(self) -> tuple[int, str]:
        async with self._http.get(self.url) as answer:
            return answer.status, await answer.text()

    async def join(self) -> None:
        assert await self.post("40") == 200
        assert (await self.poll())[1].startswith("40")
