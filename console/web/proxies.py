"""Reverse proxies: whose headers are believed, and the path under which they serve the console."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from console.web.permissions import PROXY_USER
from tidzam.config.console import ConsoleSettings


class TrustedProxies:
    """Takes over what a trusted proxy states: the client's address, the scheme and the user. Others are ignored.

    Paths are completed by the root path, which some proxies remove.
    """

    def __init__(self, app: ASGIApp, settings: ConsoleSettings) -> None:
        self._app = app
        self._forwarded: Any = ProxyHeadersMiddleware(app, trusted_hosts=list(settings.trusted_proxies))  # type: ignore[arg-type]
        self._networks = [ipaddress.ip_network(proxy) for proxy in settings.trusted_proxies]
        self._user_header = (settings.user_header or "").lower().encode("ascii")
        self._root = settings.root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        if self._root:
            is_complete = f"{scope['path']}/".startswith(f"{self._root}/")
            path = scope["path"] if is_complete else self._root + scope["path"]
            scope = {**scope, "path": path, "root_path": self._root}
        if not is_trusted(scope["client"], self._networks):
            await self._app(scope, receive, send)
            return
        users = [value for name, value in scope["headers"] if name == self._user_header]
        if self._user_header and len(users) == 1:
            scope = {**scope, PROXY_USER: users[0].decode("latin-1").strip()}
        await self._forwarded(scope, receive, send)


def is_trusted(client: Sequence[Any] | None, networks: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    """Whether a connection comes from one of `networks`."""
    if not client:
        return False
    try:
        address = ipaddress.ip_address(str(client[0]).partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in networks)
