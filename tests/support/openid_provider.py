"""A provider of OpenID Connect for tests: real HTTP on loopback, one person who is always logged in, and tokens that a
test may spoil."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import ECKey

from console.openid.flow import code_challenge
from tests.support.eventually import eventually
from tests.support.ports import free_port

CLIENT, SECRET = "marsh console", "secret of the console: ä/+"
CLAIMS = {"sub": "248289761001", "preferred_username": "ann", "email": "ann@login.example", "groups": ["birders"]}


@dataclass
class TestProvider:
    """`claims` is what it says about the person. `sign` makes an ID token of claims."""

    __test__ = False

    port: int
    now: Callable[[], datetime]
    claims: dict[str, Any] = field(default_factory=lambda: dict(CLAIMS))
    id_token: dict[str, Any] = field(default_factory=dict)
    """Claims of ID tokens that a test changes; None removes one."""
    sign: Callable[[dict[str, Any]], str] | None = None
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "first", "use": "sig"}))
    begun: dict[str, dict[str, str]] = field(default_factory=dict)
    description: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}/realm"

    def settings(self, **changes: Any) -> dict[str, Any]:
        """The section `console.oidc` for it."""
        common = {"issuer": self.issuer, "client_id": CLIENT, "client_secret": SECRET, "title": "Marsh club"}
        return {**common, "default_role": "viewer", **changes}

    def approve(self, location: str) -> str:
        """What the person's browser is redirected to, from the address to which the console has sent it."""
        wanted = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert wanted["response_type"] == "code"
        assert wanted["client_id"] == CLIENT
        code = f"code-{len(self.begun)}"
        self.begun[code] = wanted
        return f"{wanted['redirect_uri']}?{urlencode({'code': code, 'state': wanted['state'], 'iss': self.issuer})}"

    async def describe(self, _: web.Request) -> web.Response:
        self.asked.append("description")
        return web.json_response(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/person",
                "end_session_endpoint": f"{self.issuer}/end",
                **self.description,
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        self.asked.append("keys")
        return web.json_response({"keys": [self.key.as_dict(private=False)]})

    async def token(self, request: web.Request) -> web.Response:
        """A code is redeemed once, by the client for which it was issued, with its verifier."""
        form = await request.post()
        name, _, secret = base64.b64decode(request.headers["Authorization"].split()[1]).decode().partition(":")
        wanted = self.begun.pop(str(form["code"]), None)
        if (unquote(name), unquote(secret)) != (CLIENT, SECRET):
            return web.json_response({"error": "invalid_client"}, status=401)
        if (
            wanted is None
            or wanted["redirect_uri"] != form["redirect_uri"]
            or wanted["code_challenge"] != code_challenge(str(form["code_verifier"]))
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response({"access_token": "access", "token_type": "Bearer", "id_token": self._token(wanted)})

    def _token(self, wanted: dict[str, str]) -> str:
        now_s = int(self.now().timestamp())
        about = {"iss": self.issuer, "aud": CLIENT, "iat": now_s, "exp": now_s + 300, "nonce": wanted["nonce"]}
        claims = {**about, **self.claims, **self.id_token}
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(claims) if self.sign else jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims, self.key)

    async def person(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer access"
        self.asked.append("person")
        return web.json_response(self.claims)

    async def serve(self, started: threading.Event, stop: asyncio.Event) -> None:
        app = web.Application()
        app.router.add_get("/realm/.well-known/openid-configuration", self.describe)
        app.router.add_get("/realm/keys", self.keys)
        app.router.add_post("/realm/token", self.token)
        app.router.add_get("/realm/person", self.person)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port).start()
        started.set()
        await stop.wait()
        await runner.cleanup()


@contextmanager
def openid_test_provider(now: Callable[[], datetime]) -> Iterator[TestProvider]:
    """A provider that serves in a thread."""
    provider, started = TestProvider(free_port(), now), threading.Event()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=lambda: loop.run_until_complete(provider.serve(started, stop)), daemon=True)
    thread.start()
    try:
        eventually(started.is_set, what="the provider serves")
        yield provider
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=20)
        loop.close()
