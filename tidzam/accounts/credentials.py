"""Random values that prove who a visitor is: session cookies and API tokens. Only their hashes are stored."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

TOKEN_PREFIX: Final = "tidzam_"
"""By which people and secret scanners recognize an API token."""


def new_secret() -> str:
    """A random value of 256 bits for a cookie."""
    return secrets.token_urlsafe(32)


def new_api_token() -> str:
    """A random API token."""
    return f"{TOKEN_PREFIX}{secrets.token_urlsafe(32)}"


def digest(secret: str) -> str:
    """The SHA-256 of a random value, in hexadecimal. It needs no salt, since nobody can guess 256 bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
