"""The route of Socket.IO: decides which HTTP requests and packets reach Engine.IO."""

from __future__ import annotations

import re
import time
from functools import partial
from typing import Any

from aiohttp import web

from tidzam.server.connections import party
from tidzam.server.driver import ADMIT, BODY, Admit, ClientGone
from tidzam.server.packets import BadPacket, split_body
from tidzam.server.sessions import ClientSession
from tidzam.server.sockets import Sockets

_SESSION_ID = re.compile(r"[A-Za-z0-9_=-]{1,64}")
_YOUNG_S = 1.0
_SHARE_OF_CLIENTS = 0.75
"""Fraction of connections for clients; the others are for HTTP requests, such as those of a watchdog."""


class SocketRoute:
    """Answers requests to the path of Socket.IO after their origin and size have been checked."""

    def __init__(self, sockets: Sockets) -> None:
        self._sockets = sockets

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if not _is_engine_io(request):
            self._report(request, "sent a malformed request to Socket.IO")
            return _refused(400)
        eio_sid = request.query.get("sid")
        if eio_sid is None:
            return await self._open(request)
        session = self._sockets.sessions.get(eio_sid)
        if session is None or session.closed:
            return _refused(400)
        if request.method == "POST":
            return await self._receive(request, eio_sid)
        if _upgrades(request):
            return await self._upgrade(request, eio_sid, session)
        return await self._poll(request, eio_sid, session)

    async def _open(self, request: web.Request) -> web.StreamResponse:
        """Admit a new client if the limits permit it."""
        if request.method != "GET":
            return _refused(400)
        if not await self._has_room(request.remote or ""):
            self._report(request, "was refused because its address or the server has too many clients")
            return _refused(503, "too_many_clients")
        return await self._handle(request)

    async def _has_room(self, address: str) -> bool:
        """Whether one more client is permitted; otherwise disconnect one that has not connected to the namespace."""
        limits, sessions = self._sockets.limits, self._sockets.sessions
        same = {eio_sid: one for eio_sid, one in sessions.items() if party(one.address) == party(address)}
        is_crowd = len(same) >= limits.clients_per_address
        if not is_crowd and len(sessions) < limits.connections * _SHARE_OF_CLIENTS:
            return True
        crowd = same if is_crowd else sessions
        old = time.monotonic() - _YOUNG_S
        for eio_sid, session in crowd.items():
            if not session.joined and session.opened < old:
                await self._sockets.end(eio_sid, "never connected to the namespace and was disconnected")
                return True
        return False

    async def _receive(self, request: web.Request, eio_sid: str) -> web.StreamResponse:
        admit = partial(self._sockets.admit, eio_sid, binary_as_text=True)
        try:
            packets = split_body(await request.read(), most_bytes=self._sockets.limits.audio_message_bytes)
            admitted = [packet for packet in packets if await admit(packet)]
        except BadPacket as error:
            await self._sockets.end(eio_sid, "sent a malformed packet and was disconnected", str(error))
            return _refused(400)
        except ClientGone:
            return _refused(400)
        if not admitted:
            return web.Response(text="OK")
        request[BODY] = "\x1e".join(admitted).encode()
        return await self._handle(request)

    async def _upgrade(self, request: web.Request, eio_sid: str, session: ClientSession) -> web.StreamResponse:
        if session.transport is not None and not session.transport.is_closing():
            await self._sockets.end(eio_sid, "opened two WebSockets at once and was disconnected")
            return _refused(400)
        admit: Admit = partial(self._sockets.admit, eio_sid)
        request[ADMIT] = admit
        session.transport = request.transport
        return await self._handle(request)

    async def _poll(self, request: web.Request, eio_sid: str, session: ClientSession) -> web.StreamResponse:
        """Wait for messages. A second concurrent request of a client is a violation."""
        if session.polling:
            await self._sockets.end(eio_sid, "polled twice at once and was disconnected")
            return _refused(400)
        session.polling = True
        try:
            return await self._handle(request)
        finally:
            session.polling = False

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        response: Any = await self._sockets.handle_request(request)
        assert isinstance(response, web.StreamResponse)
        return response

    def _report(self, request: web.Request, kind: str) -> None:
        self._sockets.violations.report(request.remote or "", kind)


def _is_engine_io(request: web.Request) -> bool:
    """Whether it uses version 4 over polling or WebSocket. JSONP is refused, since pages of any origin can read it."""
    query = request.query
    sid = query.get("sid")
    return (
        request.method in ("GET", "POST")
        and query.get("EIO", "4") == "4"
        and query.get("transport") in ("polling", "websocket")
        and "j" not in query
        and (sid is None or _SESSION_ID.fullmatch(sid) is not None)
    )


def _upgrades(request: web.Request) -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _refused(status: int, code: str = "request") -> web.Response:
    return web.json_response({"error": {"code": code, "message": code, "field": None}}, status=status)
