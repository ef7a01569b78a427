"""The server: requests and events over Socket.IO, and HTTP routes, each with the right that it requires."""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import BaseModel

from tidzam.addresses import hosts_to_listen_on, url_host
from tidzam.config.settings import LimitSettings
from tidzam.errors import NodeError, RequestError, TidzamError, UnauthorizedError
from tidzam.protocol.messages import echo, quote, schema_of, suggestion
from tidzam.server.access import ANONYMOUS, Access, Client, Right
from tidzam.server.authentication import Authentication, Authenticator
from tidzam.server.connections import Connections, affordable
from tidzam.server.gate import Gate
from tidzam.server.health import Health
from tidzam.server.loggers import quiet_logger
from tidzam.server.packets import Unusable
from tidzam.server.routes import Route, RouteHandler, refusal, static_route
from tidzam.server.socket_route import SocketRoute
from tidzam.server.sockets import PATH, Sockets, acknowledges
from tidzam.server.violations import Violations

log = logging.getLogger(__name__)

SHUTDOWN_S = 0.5
SURVEY_EVERY_S = 0.5
_LONGEST_ERROR = 1000
_LONGEST_NAME = 64

Response = dict[str, Any] | None
Handler = Callable[[str, Any], Awaitable[Response]]
"""From the id of a client and its request to the response, if any. May raise TidzamError."""

Needs = Right | Callable[[Any], Right]
"""The right that a request requires, or a function that derives it from the request."""

ClientHook = Callable[[str], Awaitable[None]]


class Server:
    """Serves while its context is open.

    /schema.json contains `messages`, /metrics the metrics of `registry`, and /healthz calls `health`. `access` and
    `limits` are the rules for clients. `authenticators` identify clients that do not present the token. Register
    handlers, routes and hooks before entering.
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
        access: Access | None = None,
        limits: LimitSettings | None = None,
        authenticators: Sequence[Authenticator] = (),
    ) -> None:
        self._name, self._host, self._port = name, host, port
        self._health = health
        self._schema = schema_of(messages)
        self._registry = registry or CollectorRegistry()
        self._access, self._limits = access or Access(), affordable(limits or LimitSettings())
        self._violations = Violations(name)
        self._authentication = Authentication(self._access, authenticators)
        self._gate = Gate(
            self._access,
            self._authentication,
            self._violations,
            host=host,
            port=port,
            requests_per_s=self._limits.messages_per_s,
        )
        logger = quiet_logger("socketio.server", name, self._violations)
        self._sockets = Sockets(self._authentication, self._limits, self._violations, logger)
        self._connections = Connections(self._limits, self._violations)
        self._routes: list[web.RouteDef] = []
        self._clients: dict[str, Client] = {}
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None
        self._surveyor: asyncio.Task[None] | None = None
        self._on_connect: list[ClientHook] = []
        self._on_disconnect: list[ClientHook] = []
        self._sockets.on("connect", self._connected)
        self._sockets.on("disconnect", self._disconnected)
        self._sockets.unknown_event = self._unknown
        self._events: list[str] = []
        self._add_own_routes()

    @property
    def dropped(self) -> int:
        """The number of messages dropped because clients were too slow."""
        return self._sockets.dropped

    def client(self, sid: str) -> Client:
        """The client with this id and its rights. One that has disconnected has none."""
        return self._clients.get(sid, Client(sid, "", ANONYMOUS, frozenset()))

    def on(self, event: str, handler: Handler, *, needs: Needs = Right.MANAGE, cost: float = 1) -> None:
        """Answer `event` with `handler`. Its exceptions are reported to the client, and the server continues.

        A client without the right that the event `needs` is refused. One request counts as `cost` messages towards
        the limit of its client.
        """
        self._sockets.costs[event] = cost
        self._events.append(event)

        async def answer(sid: str, *data: Any) -> Any:
            request = data[0] if data else None
            try:
                self._require(sid, needs, request)
                response = await handler(sid, request)
            except TidzamError as error:
                return await self._refuse(sid, event, request, error)
            except Exception:  # a fault in one request must not affect other clients
                log.exception("%s: the request %s failed", self._name, event)
                internal = TidzamError(
                    "The request failed because of an internal error.", hint="See the log.", code="internal"
                )
                return await self._refuse(sid, event, request, internal)
            return await self._accept(sid, event, response)

        self._sockets.on(event, answer)

    def add_route(self, method: str, path: str, handler: RouteHandler, *, needs: Right | None = Right.MANAGE) -> None:
        """Answer HTTP requests with `handler`; see `Route`."""
        self.add_routes([Route(method, path, handler, needs)])

    def add_routes(self, routes: Iterable[Route]) -> None:
        """Answer the HTTP requests of `routes`, each if its sender has the right that the route needs."""
        self._routes += [web.route(route.method, route.path, self._checked(route)) for route in routes]

    def add_static(self, prefix: str, folder: Path, *, needs: Right | None = Right.LISTEN) -> None:
        """Serve the files in `folder` below the path `prefix`, to clients with the right that they need."""
        self.add_routes([static_route(prefix, folder, needs=needs)])

    def _checked(self, route: Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await route.handler(request, self._gate.require(request, route.needs))
            except UnauthorizedError as error:
                return refusal(401, error.code)
            except TidzamError as error:
                return web.json_response({"error": _bounded(error)}, status=400)

        return answer

    def on_connect(self, hook: ClientHook) -> None:
        """Call `hook` with the id of each client that connects."""
        self._on_connect.append(hook)

    def on_disconnect(self, hook: ClientHook) -> None:
        """Call `hook` with the id of each client that disconnects."""
        self._on_disconnect.append(hook)

    async def emit(self, event: str, data: Any, *, to: str | None = None) -> None:
        """Send an event to a client or a room, by default to all clients. It is dropped for clients that are too
        slow."""
        if to in self._clients:
            return await self._sockets.answer(to, event, data)
        if late := await self._sockets.spread(event, data, to):
            log.debug("%s: %s dropped for %d slow clients", self._name, event, late)

    def has_clients(self, room: str) -> bool:
        """Whether an event to a room would be sent to anybody."""
        return self._sockets.has_clients(room)

    async def enter_room(self, sid: str, room: str) -> None:
        await self._sockets.enter_room(sid, room)

    async def leave_room(self, sid: str, room: str) -> None:
        await self._sockets.leave_room(sid, room)

    async def _connected(self, sid: str, environ: Mapping[str, Any], auth: Any = None) -> None:
        session = self._sockets.session_of(sid)
        if session is not None and session.identity is not None:
            rights = self._authentication.rights(session.identity)
            said = auth.get("keeps_audit") is True if isinstance(auth, dict) else False
            keeps_audit = said and session.identity.has_token
            self._clients[sid] = Client(sid, session.address, session.identity, rights, keeps_audit)
        for hook in self._on_connect:
            await _guarded(hook, sid)

    async def _disconnected(self, sid: str, reason: Any = None) -> None:
        for hook in self._on_disconnect:
            await _guarded(hook, sid)
        self._clients.pop(sid, None)

    def _require(self, sid: str, needs: Needs, request: Any) -> None:
        """Raises UnauthorizedError, or RequestError for a request that was refused before it was decoded."""
        if isinstance(request, Unusable):
            raise RequestError(f"{request.reason}.", code=request.code)
        right = needs if isinstance(needs, Right) else needs(request)
        client = self.client(sid)
        if not client.may(right):
            if client.rights:
                self._violations.report(client.address, "sent a request without the token and was refused")
            raise UnauthorizedError

    async def _unknown(self, event: str, sid: str, *data: Any) -> Any:
        """Refuse an event that has no handler."""
        near = suggestion(event[:_LONGEST_NAME], tuple(self._events))
        error = RequestError(f"There is no event {quote(event)}{near}.", code="unknown_event")
        return await self._refuse(sid, event, data[0] if data else None, error)

    async def _accept(self, sid: str, event: str, response: Response) -> Any:
        if acknowledges.get():
            return {"ok": True, **(response or {})}
        if response is not None:
            await self.emit(event, response, to=sid)
        return None

    async def _refuse(self, sid: str, event: str, request: Any, error: TidzamError) -> Any:
        if acknowledges.get():
            return {"ok": False, "error": _bounded(error)}
        await self.emit(event, {"error": _bounded(error), "request-origin": echo(_known(request))}, to=sid)
        return None

    async def __aenter__(self) -> Server:
        """Raises NodeError (`port_in_use`) if another program listens on that address."""
        connections = self._connections
        application = web.Application(
            middlewares=[self._gate.middleware(connections)], client_max_size=_longest_body(self._limits)
        )
        application.add_routes([*self._routes, web.route("*", PATH, SocketRoute(self._sockets).answer)])
        runner = web.AppRunner(
            application,
            access_log=None,
            handle_signals=False,
            shutdown_timeout=SHUTDOWN_S,
            keepalive_timeout=self._limits.idle_timeout_s + 1,
            logger=quiet_logger("aiohttp.server", self._name, self._violations),
        )
        await runner.setup()
        assert runner.server is not None
        try:
            self._listener = await connections.listen(runner.server, hosts_to_listen_on(self._host), self._port)
        except OSError as error:
            await runner.cleanup()
            raise _cannot_listen(self._name, self._host, self._port, error) from None
        self._runner = runner
        self._surveyor = asyncio.create_task(self._survey())
        log.info("%s listens on http://%s:%d", self._name, url_host(self._host), self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        assert self._listener is not None
        assert self._surveyor is not None
        self._surveyor.cancel()
        await asyncio.wait([self._surveyor])
        self._listener.close()
        await self._sockets.shutdown()
        await self._runner.cleanup()
        self._connections.abort()

    async def _survey(self) -> None:
        while True:
            await asyncio.sleep(SURVEY_EVERY_S)
            try:
                self._connections.survey()
                await self._sockets.survey()
            except Exception:  # limits must be enforced even if the end of one client fails
                log.exception("%s: checking the clients failed", self._name)

    def _add_own_routes(self) -> None:
        """The health is public; the other routes require the right to listen."""
        self._routes.append(web.get("/healthz", self._healthz))
        self.add_route("GET", "/metrics", self._metrics, needs=Right.LISTEN)
        self.add_route("GET", "/schema.json", self._schema_json, needs=Right.LISTEN)

    async def _healthz(self, request: web.Request) -> web.Response:
        """Whether the program is healthy; the reasons and details are only for clients with the right to listen."""
        health = self._health()
        body: dict[str, Any] = {"ok": health.ok}
        if self._gate.client(request).may(Right.LISTEN):
            body |= {"reasons": list(health.reasons), "detail": dict(health.detail)}
        return web.json_response(body, status=200 if health.ok else 503)

    async def _metrics(self, request: web.Request, client: Client) -> web.Response:
        return web.Response(body=generate_latest(self._registry), content_type="text/plain", charset="utf-8")

    async def _schema_json(self, request: web.Request, client: Client) -> web.Response:
        return web.json_response(self._schema)


def _known(request: Any) -> Any:
    return None if isinstance(request, Unusable) else request


async def _guarded(hook: ClientHook, sid: str) -> None:
    try:
        await hook(sid)
    except Exception:  # a hook for one client must not affect others
        log.exception("the hook for a connected or disconnected client failed")


def _bounded(error: TidzamError) -> dict[str, str | None]:
    """The error as it is sent to a client, with bounded length."""
    return {key: value and value[:_LONGEST_ERROR] for key, value in error.as_wire().items()}


def _longest_body(limits: LimitSettings) -> int:
    """The maximum size of an HTTP request; the polling transport encodes binary data as base64."""
    return limits.audio_message_bytes * 4 // 3 + limits.message_bytes


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> NodeError:
    if error.errno == errno.EADDRINUSE:
        hint = f"Stop that program, or set another port for the {name} in the profile or with --port."
        return NodeError(f"Port {port} on {host} is in use by another program.", hint=hint, code="port_in_use")
    return NodeError(
        f"The {name} cannot listen on {url_host(host)}:{port}: {error.strerror}.",
        hint="Check the host and the port.",
        code="listen",
    )
