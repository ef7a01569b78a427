"""Who a client is: the one place where requests and sockets are authenticated.

The node's token is the first method. A program adds others, such as the sessions of logged-in users:

    def session_of(credentials: Credentials) -> Identity | None:
        user = sessions.get(credentials.cookies.get("session"))
        return user and Identity(user.name, rights=frozenset({Right.LISTEN}))

    server = Server("console", ..., authenticators=[session_of])
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tidzam.server.access import ANONYMOUS, Access, Identity, Right

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Credentials:
    """What a client sent that may prove who it is.

    `bearer` is the token of the header `Authorization: Bearer TOKEN`. Headers and cookies are those of a route's
    request or of a socket's handshake. `auth` is what a Socket.IO client sends when it connects, None for a route.
    """

    bearer: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cookies: Mapping[str, str] = field(default_factory=dict, repr=False)
    auth: Any = field(default=None, repr=False)

    @classmethod
    def of(cls, request: web.Request, auth: Any = None) -> Credentials:
        return cls(_bearer_of(request), request.headers, request.cookies, auth)


Authenticator = Callable[[Credentials], Identity | None]
"""From credentials to the identity that they prove, or None. It is called for each request and must not block."""


class Authentication:
    """Identifies clients by the token of `access`, then by each of `authenticators`; the first identity counts."""

    def __init__(self, access: Access, authenticators: Sequence[Authenticator] = ()) -> None:
        self._access = access
        self._authenticators = (self._by_token, *authenticators)

    def identify(self, credentials: Credentials) -> Identity:
        """Who sent `credentials`; `ANONYMOUS` if they prove nothing. An authenticator that fails proves nothing."""
        for authenticate in self._authenticators:
            try:
                identity = authenticate(credentials)
            except Exception:  # a fault in one method must not open or close the server to others
                log.exception("authenticating a client failed")
                continue
            if identity is not None:
                return identity
        return ANONYMOUS

    def rights(self, identity: Identity) -> frozenset[Right]:
        """What a client may do: what everybody may, and what its identity adds."""
        return self._access.open_rights | identity.rights

    def _by_token(self, credentials: Credentials) -> Identity | None:
        given = credentials.auth.get("token") if isinstance(credentials.auth, dict) else None
        return self._access.owner if self._access.proves(credentials.bearer, given) else None


def _bearer_of(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
