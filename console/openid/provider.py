"""The provider: what it says about itself, its keys, and the tokens that it gives for a code."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any, Final
from urllib.parse import quote, urlencode

import aiohttp
from pydantic import BaseModel, ConfigDict, ValidationError

from console.openid.faults import away, refused
from console.openid.flow import BegunLogin
from tidzam.config.openid import OpenIdSettings
from tidzam.config.secret import reveal
from tidzam.errors import SetupError

_WELL_KNOWN: Final = "/.well-known/openid-configuration"
_MOST_BYTES: Final = 1_000_000
_KEPT_S: Final = 3600.0
_AT_A_TIME: Final = 8


class ProviderMetadata(BaseModel):
    """What the console uses of what a provider says about itself (OpenID Connect Discovery 1.0, section 3)."""

    model_config = ConfigDict(frozen=True)

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    end_session_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class OpenIdProvider:
    """The provider of `settings`. What it says about itself is asked for when somebody logs in, and kept for an hour.

    Methods raise RequestError: `openid_away` if it does not answer as it should, `openid` for a log-in that it does not
    confirm; and ConfigError (`secret`).
    """

    def __init__(self, settings: OpenIdSettings, *, now: Callable[[], datetime]) -> None:
        self.settings, self._now = settings, now
        self._metadata: ProviderMetadata | None = None
        self._keys: Mapping[str, Any] | None = None
        self._asked_s = 0.0
        self._turn = asyncio.Semaphore(_AT_A_TIME)

    @property
    def log_out_address(self) -> str | None:
        """Where people log out of the provider, as far as it is known."""
        found = self._metadata and self._metadata.end_session_endpoint
        return f"{found}?{urlencode({'client_id': self.settings.client_id})}" if found else None

    async def metadata(self) -> ProviderMetadata:
        """What the provider says about itself."""
        now_s = asyncio.get_running_loop().time()
        if self._metadata is None or now_s - self._asked_s > _KEPT_S:
            found = await self._json("GET", f"{self.settings.issuer.rstrip('/')}{_WELL_KNOWN}")
            try:
                metadata = ProviderMetadata.model_validate(found)
            except ValidationError as error:
                raise away(f"its description lacks {error.errors()[0]['loc'][0]}") from None
            if metadata.issuer != self.settings.issuer:
                raise away(f"it calls itself {metadata.issuer}, expected {self.settings.issuer}")
            self._metadata, self._keys, self._asked_s = metadata, None, now_s
        return self._metadata

    async def claims(self, begun: BegunLogin, code: str, *, redirect_uri: str) -> dict[str, Any]:
        """What the provider says about the person who has logged in, for the code that the browser has brought."""
        metadata = await self.metadata()
        tokens = await self._tokens(metadata, begun, code, redirect_uri)
        token, access_token = tokens.get("id_token"), tokens.get("access_token")
        if not isinstance(token, str):
            raise refused("the provider gave no ID token")
        access_token = access_token if isinstance(access_token, str) else None
        claims = await self._checked(metadata, token, begun.nonce, access_token)
        return await self._completed(metadata, claims, access_token)

    async def _tokens(
        self, metadata: ProviderMetadata, begun: BegunLogin, code: str, redirect_uri: str
    ) -> Mapping[str, Any]:
        """Redeem the code (RFC 6749, section 4.1.3)."""
        settings = self.settings
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": settings.client_id,
            "code_verifier": begun.verifier,
        }
        headers: dict[str, str] = {}
        secret = reveal(settings.client_secret, "console.oidc.client_secret")
        if secret and "client_secret_basic" in metadata.token_endpoint_auth_methods_supported:
            given = f"{quote(settings.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {b64encode(given.encode()).decode()}"
        elif secret:
            form["client_secret"] = secret
        return await self._json("POST", metadata.token_endpoint, data=form, headers=headers)

    async def _checked(
        self, metadata: ProviderMetadata, token: str, nonce: str, access_token: str | None
    ) -> dict[str, Any]:
        """The claims of an ID token; keys are asked for again if it is signed with one that is not known."""
        from console.openid.id_token import UnknownKeyError, checked_claims  # only here: authlib is optional

        for is_last in (False, True):
            if self._keys is None:
                self._keys = await self._json("GET", metadata.jwks_uri)
            try:
                return checked_claims(
                    token,
                    self._keys,
                    issuer=self.settings.issuer,
                    client_id=self.settings.client_id,
                    nonce=nonce,
                    access_token=access_token,
                    now=self._now(),
                )
            except UnknownKeyError:
                self._keys = None
                if is_last:
                    break
        raise refused("the ID token is signed with a key that is not the provider's")

    async def _completed(
        self, metadata: ProviderMetadata, claims: dict[str, Any], access_token: str | None
    ) -> dict[str, Any]:
        """With the claims that some providers give at another address only (OpenID Connect Core 1.0, section 5.3)."""
        settings = self.settings
        wanted = {settings.name_claim}
        if settings.role_claim is not None and settings.role_claim not in claims:
            wanted.add(settings.role_claim.partition(".")[0])
        if wanted <= claims.keys() or metadata.userinfo_endpoint is None or access_token is None:
            return claims
        headers = {"Authorization": f"Bearer {access_token}"}
        found = await self._json("GET", metadata.userinfo_endpoint, headers=headers)
        if found.get("sub") != claims["sub"]:
            raise refused("the provider described somebody else")
        return {**found, **claims}

    async def _json(
        self,
        method: str,
        url: str,
        *,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Mapping[str, Any]:
        """The JSON object of a response."""
        timeout = aiohttp.ClientTimeout(self.settings.timeout_s)
        try:
            async with (
                self._turn,
                aiohttp.ClientSession(timeout=timeout) as session,
                session.request(method, url, data=data, headers=headers, allow_redirects=False) as response,
            ):
                content, status = await _content(response), response.status
        except TimeoutError:  # an OSError, too
            raise away(f"{url} does not answer within {self.settings.timeout_s:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise away(f"{url} does not answer ({str(error) or type(error).__name__})") from None
        try:
            found = json.loads(content)
        except (ValueError, RecursionError):
            found = None
        if status in (400, 401, 403) and method == "POST":
            reason = found.get("error") if isinstance(found, dict) else None
            raise refused(f"the provider refused the code ({str(reason or status)[:100]})")
        if status != 200 or not isinstance(found, dict):
            raise away(f"{url} has the status {status} and no JSON object")
        return found


async def _content(response: aiohttp.ClientResponse) -> bytes:
    """The body. Raises ValueError if it is too large."""
    content = bytearray()
    async for part in response.content.iter_any():
        content += part
        if len(content) > _MOST_BYTES:
            raise ValueError(f"its response is larger than {_MOST_BYTES} bytes")
    return bytes(content)


def openid_provider(settings: OpenIdSettings | None, *, now: Callable[[], datetime]) -> OpenIdProvider | None:
    """The provider of a node with these settings, if it has one. Raises SetupError without authlib."""
    if settings is None:
        return None
    if find_spec("authlib") is None:
        raise SetupError(
            "console.oidc needs the package authlib, which is not installed.",
            hint="Run `bin/tidzam install openid`, or `pip install 'tidzam[openid]'`.",
        )
    return OpenIdProvider(settings, now=now)
