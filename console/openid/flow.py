"""A log-in that has begun: what the browser is sent to the provider with, and what must come back. Pure."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

LIFETIME_S: Final = 600
"""How long somebody may take to log in at the provider."""
_MOST_CHARACTERS: Final = 3000
"""Browsers keep no cookies above 4 KB."""


@dataclass(frozen=True, kw_only=True)
class BegunLogin:
    """`state` ties the response to the browser, `nonce` the ID token to this log-in, and only who has `verifier` can
    redeem the code (PKCE, RFC 7636). `target` is the page to go on with.

    It is kept in a cookie of the browser, so that strangers can make the console remember nothing.
    """

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    target: str

    def as_cookie(self) -> str:
        """It as the value of a cookie."""
        return urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()

    @classmethod
    def from_cookie(cls, value: str) -> BegunLogin | None:
        """The inverse of `as_cookie`; None for any other value."""
        if len(value) > 2 * _MOST_CHARACTERS:
            return None
        try:
            found = json.loads(urlsafe_b64decode(value.encode("ascii")))
            begun = cls(**found)
        except (ValueError, TypeError, RecursionError):
            return None
        return begun if all(isinstance(one, str) for one in asdict(begun).values()) else None


def begin_login(target: str) -> BegunLogin:
    """A new log-in, with random values of 256 bits. A target that no cookie could hold is the first page."""
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    return BegunLogin(
        state=state, nonce=nonce, verifier=verifier, target=target if len(target) < _MOST_CHARACTERS // 2 else ""
    )


def authorization_url(
    endpoint: str, begun: BegunLogin, *, client_id: str, scopes: tuple[str, ...], redirect_uri: str
) -> str:
    """Where the browser is sent to: OpenID Connect Core 1.0, section 3.1.2.1."""
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "scope": " ".join(scopes),
        "state": begun.state,
        "nonce": begun.nonce,
        "code_challenge": code_challenge(begun.verifier),
        "code_challenge_method": "S256",
    }
    return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(parameters)}"


def code_challenge(verifier: str) -> str:
    """The challenge S256 of PKCE (RFC 7636, section 4.2). The example is that of its appendix B.

    >>> code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
    """
    return urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).decode().rstrip("=")
