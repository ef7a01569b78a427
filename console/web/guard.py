"""What every HTTP request passes before the console sees it: its host, its size and its rate; and security headers."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.forwarding import CLIPS_PATH
from tidzam.server.access import is_own_host, own_names
from tidzam.server.connections import party
from tidzam.server.rate_limit import TokenBucket

log = logging.getLogger(__name__)

POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "media-src 'self' blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)
"""The Content-Security-Policy: nothing from elsewhere, and nothing inline."""

HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), payment=(), usb=()",
}
_HSTS: Final = "max-age=31536000"
_MOST_BUCKETS: Final = 4096
BODY_STALLED_S: Final = 30.0
"""A client that sends nothing of the body that it has announced is gone after this time."""


@dataclass(frozen=True)
class SizeLimit:
    """How large a request may be, and the setting that says so."""

    bytes: int
    setting: str

    @property
    def words(self) -> str:
        """What is said of a request that is larger."""
        return f"The request is larger than {self.bytes:,} bytes, the limit of {self.setting}"


class RequestGuard:
    """Refuses requests for a foreign host, that are too large, or too many; adds security headers to all responses."""

    def __init__(self, app: ASGIApp, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        console, name = settings.console, socket.gethostname()
        self._app, self._clock, self._port = app, clock, console.port
        self._names = own_names(console.host, frozenset({name, f"{name}.local"}))
        self._listed = frozenset(host.lower() for host in settings.access.hosts)
        self._per_s, self._console = console.requests_per_s, console
        self._buckets: dict[str, TokenBucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if not scope["path"].split("/static/", 1)[1:]:
                    headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", _HSTS)
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, send_with_headers)
            return
        await self._app(scope, _Bounded(receive, self._size_limit(scope)), send_with_headers)

    def _size_limit(self, scope: Scope) -> SizeLimit:
        """That of a request to this path: files of annotations may be larger than all else."""
        if scope["path"].endswith("/api/v1/annotations/import"):
            return SizeLimit(self._console.import_bytes, "console.import_bytes")
        if f"{CLIPS_PATH}/" in scope["path"]:
            return SizeLimit(round(self._console.forwarded.clip_mb * 1e6), "console.forwarded.clip_mb")
        return SizeLimit(self._console.body_bytes, "console.body_bytes")

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) > 1 or not self._is_own(scope, hosts[0] if hosts else None):
            log.warning("a request for the host %r was refused; access.hosts adds names of this node", ", ".join(hosts))
            hint = "Names under which it is reached are listed in the setting access.hosts."
            return _refused(403, RequestError("This node has another name.", hint=hint, code="forbidden"))
        length = headers.get("content-length", "0")
        limit = self._size_limit(scope)
        if not length.isdigit() or int(length) > limit.bytes:
            return _refused(413, RequestError(f"{limit.words}.", code="request"))
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:  # no name has one, and PostgreSQL refuses it
            return _refused(400, RequestError("The address holds a NUL character.", code="request"))
        if self._is_flood(scope):
            return _refused(429, RequestError("Too many requests.", hint="Wait a second.", code="rate_limited"))
        return None

    def _is_own(self, scope: Scope, host: str | None) -> bool:
        """Whether the header `Host` names this node. With DNS rebinding, it is the name of a foreign page."""
        local = frozenset({str(scope["server"][0]).lower()}) if scope.get("server") else frozenset()
        default = {"http": 80, "https": 443}[scope["scheme"]]
        named = host if host is None or _has_port(host) else f"{host}:{default}"
        return is_own_host(named, port=self._port, names=self._names | local, listed=self._listed)

    def _is_flood(self, scope: Scope) -> bool:
        now, address = self._clock(), party(scope["client"][0] if scope.get("client") else "")
        if address not in self._buckets and len(self._buckets) >= _MOST_BUCKETS:
            self._buckets.clear()
        bucket = self._buckets.setdefault(address, TokenBucket(self._per_s, now, fill=1.0))
        if bucket.level(now) < 0:
            return True
        bucket.take(1, now)
        return False


class _Bounded:
    """Receives as much of a body as `limit` allows, also of one that does not state its length, and waits for each part
    for a limited time; then the client is gone. Raises HTTPException for one that is larger."""

    def __init__(self, receive: Receive, limit: SizeLimit) -> None:
        self._receive, self._limit, self._left = receive, limit, limit.bytes
        self._has_more = True

    async def __call__(self) -> Message:
        try:
            async with asyncio.timeout(BODY_STALLED_S if self._has_more else None):
                message = await self._receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        self._has_more = bool(message["type"] == "http.request" and message.get("more_body"))
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise HTTPException(413, self._limit.words)
        return message


def _has_port(host: str) -> bool:
    return host.rpartition("]")[2].count(":") == 1


def _refused(status: int, error: RequestError) -> JSONResponse:
    headers = {"Retry-After": "1"} if status == 429 else {}
    return JSONResponse({"error": error.as_wire()}, status, headers)
