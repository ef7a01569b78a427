"""The adapter between Engine.IO and aiohttp; it checks request bodies and WebSocket frames."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import WSMsgType, web
from engineio.async_drivers.aiohttp import _async as stock_driver

Admit = Callable[[str | bytes | None], Awaitable[bool]]
"""Whether Engine.IO receives a frame (None if aiohttp refused it). Raises ClientGone."""

ADMIT: web.RequestKey[Admit] = web.RequestKey("admit", Callable)  # type: ignore[arg-type]
"""The check of WebSocket frames, stored in the request and in the environment of Engine.IO."""
BODY = web.RequestKey("body", bytes)
"""The admitted packets of a request body."""

_CLOSE_S = 1.0


class ClientGone(OSError):
    """The client is disconnected, so nothing more is read. Engine.IO closes a WebSocket at any OSError."""


class _Body:
    """A request body that was already read, with the interface that Engine.IO expects."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def read(self, length: int) -> bytes:
        return self._content


def _translate_request(request: web.Request) -> dict[str, Any]:
    environ: dict[str, Any] = stock_driver["translate_request"](request)
    body: bytes = request.get(BODY, b"")
    return {
        **environ,
        "wsgi.input": _Body(body),
        "CONTENT_LENGTH": str(len(body)),
        "REMOTE_ADDR": request.remote or "",
        "admit": request.get(ADMIT),
    }


class _WebSocket:
    """A WebSocket with the interface that Engine.IO expects. It is not compressed, which would take memory per
    client."""

    def __init__(self, handler: Callable[[_WebSocket], Awaitable[None]], server: Any) -> None:
        self._handler = handler
        self._socket = web.WebSocketResponse(max_msg_size=server.max_http_buffer_size, compress=False, timeout=_CLOSE_S)
        self._admit: Admit | None = None

    async def __call__(self, environ: dict[str, Any]) -> web.StreamResponse:
        self._admit = environ["admit"]
        await self._socket.prepare(environ["aiohttp.request"])
        await self._handler(self)
        return self._socket

    async def close(self) -> None:
        await self._socket.close()

    async def send(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            await self._socket.send_bytes(message)
        else:
            await self._socket.send_str(message)

    async def wait(self) -> str | bytes:
        """The next admitted frame. Raises OSError at the end."""
        assert self._admit is not None
        while True:
            message = await self._socket.receive()
            if message.type is WSMsgType.ERROR:
                await self._admit(None)
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                raise ClientGone
            frame: str | bytes = message.data
            if await self._admit(frame):
                return frame


DRIVER = {**stock_driver, "translate_request": _translate_request, "websocket": _WebSocket}
