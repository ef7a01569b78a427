"""The checks of every HTTP request: its host, its origin, its rate, and the rights of its sender."""

from __future__ import annotations

import socket
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from tidzam.errors import UnauthorizedError
from tidzam.server.access import Access, Client, Right, is_foreign_origin, is_own_host, own_names
from tidzam.server.authentication import Authentication, Credentials
from tidzam.server.connections import Connections, State, party
from tidzam.server.rate_limit import TokenBucket
from tidzam.server.routes import refusal
from tidzam.server.sockets import PATH
from tidzam.server.violations import Violations

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MOST_BUCKETS = 1024


class Gate:
    """The rules of one server, applied to all HTTP requests, including those of Socket.IO."""

    def __init__(
        self,
        access: Access,
        authentication: Authentication,
        violations: Violations,
        *,
        host: str,
        port: int,
        requests_per_s: float,
    ) -> None:
        self._access, self._authentication = access, authentication
        self._violations, self._port = violations, port
        self._requests_per_s = requests_per_s
        self._buckets: dict[str, TokenBucket] = {}
        self._names = own_names(host, frozenset({socket.gethostname(), f"{socket.gethostname()}.local"}))

    def middleware(self, connections: Connections) -> Middleware:
        """Receives a complete request and checks its origin before a handler gets it."""

        @web.middleware
        async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
            if fault := self._fault(request):
                self._violations.report(request.remote or "", *fault)
                return refusal(403, UnauthorizedError.code)
            if self._is_flood(request):
                return refusal(429, "rate_limited")
            if request.method == "OPTIONS":
                return self._with_cors(request, web.Response(status=204))
            if request.transport is None:  # its client has gone, and aiohttp cannot read from it
                return web.Response(status=400)
            try:
                await request.read()
            except ConnectionError:
                return web.Response(status=400)
            except web.RequestPayloadError as error:
                self._violations.report(request.remote or "", "sent a malformed HTTP body", str(error.__cause__ or ""))
                return web.Response(status=400)
            connection = connections.of(request.transport)
            if connection is not None:
                connection.become(State.SERVING)
            try:
                return self._with_cors(request, await handler(request))
            finally:
                if connection is not None:
                    connection.become(State.IDLE)

        return check

    def client(self, request: web.Request) -> Client:
        """The sender of an HTTP request."""
        identity = self._authentication.identify(Credentials.of(request))
        return Client("", request.remote or "", identity, self._authentication.rights(identity))

    def require(self, request: web.Request, right: Right | None) -> Client:
        """The sender of an HTTP request that requires `right`, or no right. Raises UnauthorizedError."""
        client = self.client(request)
        if right is not None and not client.may(right):
            self._violations.report(client.address, "sent a request without the token and was refused", request.path)
            raise UnauthorizedError
        return client

    def _fault(self, request: web.Request) -> tuple[str, str] | None:
        """Kind and detail of the violation if a request has a foreign host or origin, else None."""
        hosts, headers = request.headers.getall("Host", []), request.headers
        names = self._names | _address_of(request)
        own = len(hosts) < 2 and is_own_host(
            hosts[0] if hosts else None, port=self._port, names=names, listed=self._access.hosts
        )
        if not own:
            return "was refused for its foreign Host (access.hosts adds names of this server)", ", ".join(hosts)
        if len(headers.getall("Origin", [])) > 1 or is_foreign_origin(headers, origins=self._access.origins):
            return "was refused for its foreign Origin (access.origins adds allowed ones)", headers.get("Origin", "")
        return None

    def _is_flood(self, request: web.Request) -> bool:
        """Whether an address exceeds the rate of requests; those of Socket.IO or with the token do not count."""
        if request.path == PATH or self.client(request).has_token:
            return False
        now, address = time.monotonic(), party(request.remote or "")
        if address not in self._buckets and len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        bucket = self._buckets.setdefault(address, TokenBucket(self._requests_per_s, now, fill=1.0))
        if bucket.level(now) < 0:
            self._violations.report(request.remote or "", "sent more requests than allowed")
            return True
        bucket.take(1, now)
        return False

    def _with_cors(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Add CORS headers for pages of listed origins; pages of this server do not need them."""
        origin = request.headers.get("Origin", "")
        if origin.lower() in self._access.origins and not response.prepared:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Vary"] = "Origin"
            if request.method == "OPTIONS":
                response.headers["Access-Control-Allow-Methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
                response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        return response


def _address_of(request: web.Request) -> frozenset[str]:
    """The local address of the connection of a request."""
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return frozenset({str(name[0]).partition("%")[0].lower()}) if isinstance(name, tuple) else frozenset()
