"""The HTTP and socket.io server that stream manager and analyzer share: requests, events, health, metrics, schema."""

from __future__ import annotations

import errno
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import socketio
from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel

from tidzam.addresses import url_host
from tidzam.errors import NodeError, TidzamError
from tidzam.protocol.messages import jsonable, schema_of

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.5
CLIENT_QUEUE = 256
"""Messages that may wait for one client."""
RESERVED_EVENTS = ("connect", "disconnect")

Response = dict[str, Any] | None
Handler = Callable[[str, Any], Awaitable[Response]]
"""From the client's id and what it sent to what it is answered, if anything. May raise TidzamError."""

ClientHook = Callable[[str], Awaitable[None]]

_acknowledges: ContextVar[bool] = ContextVar("acknowledges", default=False)


@dataclass(frozen=True)
class Health:
    """Whether a program does its job, why not, and what it does."""

    ok: bool
    reasons: tuple[str, ...] = ()
    detail: Mapping[str, Any] = field(default_factory=dict)


class _SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """Lets a handler know whether its client asked for an acknowledgement, keeps clients off the hooks, and knows who
    is behind.

    python-socketio has no public way to any of it: `_handle_event_internal` runs once an event, in a task of its own,
    and a client's queue has no bound.
    """

    def late_clients(self, room: str | None) -> list[str]:
        """Clients of a room (of all, for None) with CLIENT_QUEUE messages still to be sent."""
        queues = {eio_sid: socket.queue for eio_sid, socket in self.eio.sockets.items()}
        members = self.manager.get_participants("/", room)
        return [sid for sid, eio_sid in members if eio_sid in queues and queues[eio_sid].qsize() >= CLIENT_QUEUE]

    async def _handle_event_internal(
        self, server: Any, sid: str, eio_sid: str, data: list[Any], namespace: str, id: int | None
    ) -> None:
        if data[0] in RESERVED_EVENTS:
            return
        _acknowledges.set(id is not None)
        await super()._handle_event_internal(server, sid, eio_sid, data, namespace, id)


class Server:
    """Serves while its context is open.

    `messages` are those of /schema.json, `registry` holds what /metrics tells, `health` is asked at each /healthz.
    Give handlers and hooks before entering. `dropped` counts messages that slow clients missed.
    """

    def __init__(
        self,
        name: str,
        *,
        host: str,
        port: int,
        health: Callable[[], Health],
        messages: Mapping[str, type[BaseModel]],
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.dropped = 0
        self._name, self._host, self._port = name, host, port
        self._health = health
        self._schema = schema_of(messages)
        self._registry = registry or CollectorRegistry()
        # always_connect: a hook can already send to the client that has come.
        self._sockets = _SocketServer(async_mode="aiohttp", cors_allowed_origins="*", always_connect=True)
        self._runner: web.AppRunner | None = None

    def on(self, event: str, handler: Handler) -> None:
        """Answer `event` with `handler`. Whatever it raises is told to the client, and the server goes on."""

        async def answer(sid: str, *data: Any) -> Any:
            request = data[0] if data else None
            try:
                response = await handler(sid, request)
            except TidzamError as error:
                return await self._refuse(sid, event, request, error)
            except Exception:  # a fault of ours in one request must not take the server from everybody else
                log.exception("%s: the request %s failed", self._name, event)
                internal = TidzamError("The request failed on our side.", hint="See the log.", code="internal")
                return await self._refuse(sid, event, request, internal)
            return await self._accept(sid, event, response)

        self._sockets.on(event, answer)

    def on_connect(self, hook: ClientHook) -> None:
        """Call `hook` for each client that has come."""

        async def connected(sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
            await _guarded(hook, sid)

        self._sockets.on("connect", connected)

    def on_disconnect(self, hook: ClientHook) -> None:
        """Call `hook` for each client that has gone."""

        async def disconnected(sid: str, reason: Any = None) -> None:
            await _guarded(hook, sid)

        self._sockets.on("disconnect", disconnected)

    async def emit(self, event: str, data: Any, *, to: str | None = None) -> None:
        """Send to a client or a room; to everybody if neither is named. Who is too far behind misses it whole."""
        late = self._sockets.late_clients(to)
        if late:
            self.dropped += len(late)
            log.debug("%s: %s dropped for %d slow clients", self._name, event, len(late))
        await self._sockets.emit(event, data, to=to, skip_sid=late)

    async def enter_room(self, sid: str, room: str) -> None:
        await self._sockets.enter_room(sid, room)

    async def leave_room(self, sid: str, room: str) -> None:
        await self._sockets.leave_room(sid, room)

    async def _accept(self, sid: str, event: str, response: Response) -> Any:
        if _acknowledges.get():
            return {"ok": True, **(response or {})}
        if response is not None:
            await self.emit(event, response, to=sid)
        return None

    async def _refuse(self, sid: str, event: str, request: Any, error: TidzamError) -> Any:
        if _acknowledges.get():
            return {"ok": False, "error": error.as_wire()}
        await self.emit(event, {"error": error.as_wire(), "request-origin": jsonable(request)}, to=sid)
        return None

    async def __aenter__(self) -> Server:
        """Raises NodeError (code "port_in_use") if another program listens there."""
        application = web.Application()
        application.add_routes(
            [
                web.get("/healthz", self._healthz),
                web.get("/metrics", self._metrics),
                web.get("/schema.json", self._schema_json),
            ]
        )
        self._sockets.attach(application)
        runner = web.AppRunner(application, access_log=None, handle_signals=False, shutdown_timeout=SHUTDOWN_S)
        await runner.setup()
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            await runner.cleanup()
            raise _cannot_listen(self._name, self._host, self._port, error) from None
        self._runner = runner
        log.info("%s listens on http://%s:%d", self._name, url_host(self._host), self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._sockets.shutdown()
        await self._runner.cleanup()

    async def _healthz(self, request: web.Request) -> web.Response:
        health = self._health()
        body = {"ok": health.ok, "reasons": list(health.reasons), "detail": dict(health.detail)}
        return web.json_response(body, status=200 if health.ok else 503)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain", charset="utf-8")

    async def _schema_json(self, request: web.Request) -> web.Response:
        return web.json_response(self._schema)


async def _guarded(hook: ClientHook, sid: str) -> None:
    try:
        await hook(sid)
    except Exception:  # one client's coming or going must not be felt by the others
        log.exception("what follows a client's coming or going failed")


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> NodeError:
    if error.errno == errno.EADDRINUSE:
        hint = f"Stop that program, or give the {name} another port in the profile or with --port."
        return NodeError(f"Port {port} on {host} is in use by another program.", hint=hint, code="port_in_use")
    return NodeError(
        f"The {name} cannot listen on {url_host(host)}:{port}: {error.strerror}.",
        hint="Check host and port.",
        code="listen",
    )
