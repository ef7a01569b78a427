"""python-socketio and python-engineio with limits. Everything that depends on their internals is in this file.

They have no public interface to limit the queue of a client, to check a packet before it is decoded, or to find out
whether a client expects an acknowledgement. `test_private_parts.py` verifies the internals used here.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import replace
from functools import partial
from typing import Any

import engineio
import socketio
from aiohttp import web
from engineio import packet as eio
from socketio import packet as sio

from tidzam.config.settings import LimitSettings
from tidzam.protocol.messages import quote
from tidzam.server.access import Right
from tidzam.server.authentication import Authentication, Credentials
from tidzam.server.connections import party, reset
from tidzam.server.driver import DRIVER, ClientGone
from tidzam.server.packets import MOST_ATTACHMENTS, BadPacket, Unusable, check_text, decode_json
from tidzam.server.rate_limit import SUSPECT_S, Verdict
from tidzam.server.sessions import MOST_RUNNING, ClientSession, SendQueue, queue_bound
from tidzam.server.violations import Violations

PATH = "/socket.io/"
RESERVED_EVENTS = ("connect", "disconnect")
LARGE_EVENT = "audio"
JOIN_S = 10.0
"""How long a client may take to connect to the namespace after its handshake."""
FAREWELL_S = 0.5
"""How long a client that is being disconnected may read its queue."""
TOO_MANY = Unusable("Too many requests at once. Send fewer, or wait for the responses", code="rate_limited")
REFUSAL = {"message": "unauthorized", "code": "unauthorized"}

UnknownEventHandler = Callable[..., Awaitable[Any]]
"""From the name of an event without a handler, the id of the client and the data to the response."""

acknowledges: ContextVar[bool] = ContextVar("acknowledges", default=False)
"""Whether the client expects an acknowledgement of the current request."""


def packet_class(limits: LimitSettings) -> type[sio.Packet]:
    """Socket.IO packets that are decoded within `limits`."""

    class Json:
        """The JSON module of a packet."""

        dumps = staticmethod(json.dumps)

        @staticmethod
        def loads(text: str) -> Any:
            return decode_json(text, most_bytes=limits.message_bytes)

    class BoundedPacket(sio.Packet):  # type: ignore[misc]
        json = Json

        def decode(self, encoded_packet: Any) -> Any:
            if not isinstance(encoded_packet, str):
                raise BadPacket("binary data without an event")
            attachments = super().decode(encoded_packet) or 0
            if attachments > MOST_ATTACHMENTS:
                raise BadPacket(f"more than {MOST_ATTACHMENTS} binary attachments")
            if not attachments and self.packet_type in (sio.BINARY_EVENT, sio.BINARY_ACK):
                raise BadPacket("a binary event without binary attachments")
            return attachments

    return BoundedPacket


class _Engine(engineio.AsyncServer):  # type: ignore[misc]
    def create_queue(self, *args: Any, **kwargs: Any) -> SendQueue:
        return SendQueue()


class Sockets(socketio.AsyncServer):  # type: ignore[misc]
    """Keeps a `ClientSession` per client, and disconnects clients that violate the protocol or the limits."""

    def __init__(
        self, authentication: Authentication, limits: LimitSettings, violations: Violations, logger: Any
    ) -> None:
        # always_connect: a hook can already send to the new client. Origins are checked before this server.
        super().__init__(
            async_mode="aiohttp",
            cors_allowed_origins=[],
            always_connect=True,
            serializer=packet_class(limits),
            http_compression=False,
            max_http_buffer_size=limits.audio_message_bytes,
            logger=logger,
            engineio_logger=logger,
        )
        self.eio._async = DRIVER
        self.authentication, self.limits, self.violations = authentication, limits, violations
        self.sessions: dict[str, ClientSession] = {}
        self.costs: dict[str, float] = {}
        self.unknown_event: UnknownEventHandler | None = None
        self.dropped = 0
        self._flooded: dict[str, float] = {}  # when a client of an address was last disconnected for a flood

    def session_of(self, sid: str) -> ClientSession | None:
        return self.sessions.get(self.manager.eio_sid_from_sid(sid, "/") or "")

    def has_clients(self, room: str) -> bool:
        """Whether somebody is in a room."""
        return next(iter(self.manager.get_participants("/", room)), None) is not None

    async def spread(self, event: str, data: Any, room: str | None) -> int:
        """Send an event to a room, or to all clients for None; returns for how many slow clients it was dropped.

        It is encoded only once; `emit` of python-socketio creates a task per client.
        """
        encoded = self.packet_class(sio.EVENT, data=[event, data], namespace="/").encode()
        parts = [eio.Packet(eio.MESSAGE, part) for part in (encoded if isinstance(encoded, list) else [encoded])]
        bound, late = queue_bound(self.limits, len(self.sessions)), 0
        for _, eio_sid in self.manager.get_participants("/", room):
            session = self.sessions.get(eio_sid)
            if session is None or session.is_full(bound):
                late += session is not None
                continue
            for part in parts:
                await self._send_eio_packet(eio_sid, part)
        self.dropped += late
        return late

    async def answer(self, sid: str, event: str, data: Any) -> None:
        """Send an event to one client; it is dropped if the client is too slow."""
        eio_sid = self.manager.eio_sid_from_sid(sid, "/")
        if eio_sid is not None:
            await self._send_packet(eio_sid, self.packet_class(sio.EVENT, data=[event, data], namespace="/"))

    async def end(self, eio_sid: str, kind: str, detail: str = "") -> None:
        """Log a violation and disconnect the client."""
        session, socket = self.sessions.get(eio_sid), self.eio.sockets.get(eio_sid)
        if session is None or session.closed:
            return
        session.closed = True
        self.violations.report(session.address, kind, detail)
        if session.transport is not None and not session.transport.is_closing():
            session.transport.pause_reading()
        if socket is not None:
            await socket.close(wait=False, abort=True)
            self.eio.sockets.pop(eio_sid, None)
        self._part_from(eio_sid)

    async def admit(self, eio_sid: str, frame: str | bytes | None, *, binary_as_text: bool = False) -> bool:
        """Whether Engine.IO receives a packet of a client; `None` is a packet that was too long to be read.

        Raises ClientGone if the client is disconnected, because of this packet or earlier.
        """
        session = self.sessions.get(eio_sid)
        if session is None or session.closed:
            raise ClientGone
        try:
            if frame is None:
                raise BadPacket(f"a message of over {self.limits.audio_message_bytes} bytes, or an invalid frame")
            if isinstance(frame, str) and not (binary_as_text and frame.startswith("b")):
                check_text(frame)
        except BadPacket as error:
            await self.end(eio_sid, "sent a malformed packet and was disconnected", str(error))
            raise ClientGone from None
        verdict = session.limiter.judge(messages=1, size=len(frame), now=time.monotonic())
        if verdict is Verdict.DISCONNECT:
            self._flooded[party(session.address)] = time.monotonic()
            await self.end(eio_sid, "sent more messages than allowed and was disconnected")
            raise ClientGone
        session.over_rate = session.over_rate or verdict is Verdict.REFUSE
        if verdict is Verdict.IGNORE:
            await asyncio.sleep(0)  # let other clients proceed while a flood is read
        return verdict in (Verdict.SERVE, Verdict.REFUSE)

    async def survey(self) -> None:
        """Disconnect clients that do not read, and those that never connect to the namespace."""
        now, bound = time.monotonic(), queue_bound(self.limits, len(self.sessions))
        self._flooded = {address: since for address, since in self._flooded.items() if now - since < SUSPECT_S}
        for eio_sid, session in list(self.sessions.items()):
            if session.is_stalled(bound, self.limits.stalled_s, now):
                await self.end(eio_sid, "did not read its messages and was disconnected")
            elif not session.joined and now - session.opened > JOIN_S:
                await self.end(eio_sid, "never connected to the namespace and was disconnected")

    def _engineio_server_class(self) -> type[engineio.AsyncServer]:
        return _Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        request: web.Request = environ["aiohttp.request"]
        self.sessions[eio_sid] = ClientSession.create(
            request.remote or "",
            credentials=Credentials.of(request),
            queue=self.eio.sockets[eio_sid].queue,
            limits=self.limits,
            suspect=party(request.remote or "") in self._flooded,
        )
        environ["admit"] = partial(self.admit, eio_sid)
        if environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            self.sessions[eio_sid].transport = request.transport

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        self._binary_packet.pop(eio_sid, None)
        self._part_from(eio_sid)

    def _part_from(self, eio_sid: str) -> None:
        """Forget a client. It may read its queue for FAREWELL_S; Engine.IO would wait without a limit."""
        session = self.sessions.pop(eio_sid, None)
        if session is None:
            return
        session.queue.put_nowait(None)  # ends a request that waits for messages
        if session.transport is not None:
            abort = partial(reset, session.transport) if session.closed else session.transport.abort
            asyncio.get_running_loop().call_later(FAREWELL_S, abort)

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        session = self.sessions.get(eio_sid)
        if session is None or session.closed:
            return
        try:
            self._check_attachment(eio_sid, data)
            await super()._handle_eio_message(eio_sid, data)
        except Exception as error:  # noqa: BLE001  any failure must only affect the sender of the packet
            detail = str(error) if isinstance(error, BadPacket) else f"{type(error).__name__}: {error}"
            await self.end(eio_sid, "sent a malformed packet and was disconnected", detail)

    def _check_attachment(self, eio_sid: str, data: Any) -> None:
        """Raises BadPacket for a packet that cannot follow an event that announced binary data."""
        waiting = self._binary_packet.get(eio_sid)
        if waiting is None:
            return
        if not isinstance(data, bytes):
            raise BadPacket("text where binary data was announced")
        is_large = isinstance(waiting.data, list) and waiting.data[:1] == [LARGE_EVENT]
        most = self.limits.audio_message_bytes if is_large else self.limits.message_bytes
        if len(data) > most:
            raise BadPacket(f"{len(data)} bytes of binary data, expected at most {most}")

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        session = self.sessions[eio_sid]
        if session.joined and namespace in (None, "/"):
            raise BadPacket("a second connection to the namespace")
        identity = session.identity or self.authentication.identify(replace(session.credentials, auth=data))
        if Right.LISTEN not in self.authentication.rights(identity):
            refusal = self.packet_class(sio.CONNECT_ERROR, data=REFUSAL, namespace=namespace)
            await self._send_packet(eio_sid, refusal)
            self.violations.report(session.address, "tried to listen without the token and was refused")
            return
        if namespace in (None, "/"):
            session.joined, session.identity, session.credentials = True, identity, Credentials()
        await super()._handle_connect(eio_sid, namespace, data)

    async def _handle_event(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            raise BadPacket(f"an event without a name: {quote(data)}")
        if self.manager.sid_from_eio_sid(eio_sid, namespace or "/") is None:
            raise BadPacket("an event before connecting to the namespace")
        if data[0] in RESERVED_EVENTS:
            return
        session = self.sessions[eio_sid]
        if session.over_rate or session.running >= MOST_RUNNING:
            session.over_rate = False
            data = [data[0], TOO_MANY]
        elif extra := self.costs.get(data[0], 1) - 1:
            session.limiter.judge(messages=extra, size=0, now=time.monotonic())
        session.running += 1
        await super()._handle_event(eio_sid, namespace, id, data)

    async def _handle_event_internal(
        self, server: Any, sid: str, eio_sid: str, data: list[Any], namespace: str, id: int | None
    ) -> None:
        acknowledges.set(id is not None)
        session = self.sessions.get(eio_sid)
        try:
            await super()._handle_event_internal(server, sid, eio_sid, data, namespace, id)
        finally:
            if session is not None:
                session.running -= 1

    async def _trigger_event(self, event: str, namespace: str, *args: Any) -> Any:
        response = await super()._trigger_event(event, namespace, *args)
        if response is self.not_handled and event not in RESERVED_EVENTS and self.unknown_event is not None:
            return await self.unknown_event(event, *args)
        return response

    async def _handle_ack(self, eio_sid: str, namespace: str | None, id: int | None, data: Any) -> None:
        raise BadPacket("an unexpected acknowledgement")

    async def _send_packet(self, eio_sid: str, pkt: sio.Packet) -> None:
        session = self.sessions.get(eio_sid)
        if session is None or session.is_full(queue_bound(self.limits, len(self.sessions))):
            self.dropped += 1
            return
        await super()._send_packet(eio_sid, pkt)
