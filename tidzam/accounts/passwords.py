"""Passwords: which ones are accepted, how they are hashed (argon2id), and how new ones are made."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tidzam.errors import RequestError

SHORTEST: Final = 10
LONGEST: Final = 200
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without letters and digits that look alike."""
_AT_A_TIME: Final = BoundedSemaphore(2)
"""A hash takes 64 MiB of memory and a tenth of a second: concurrent log-ins wait for one another."""
_PATIENCE_S: Final = 5.0

_hasher = PasswordHasher()  # argon2id with the parameters of RFC 9106 for little memory


def require_strong(password: str, *, name: str) -> None:
    """Raises RequestError (`weak_password`) for a password that is too short, too long, trivial or the user's name."""
    normal = _normal(password)
    if len(normal) < SHORTEST or len(normal) > LONGEST:
        reason = f"has {len(normal)} characters, expected {SHORTEST} to {LONGEST}"
    elif len(set(normal)) < 4:
        reason = "repeats the same few characters"
    elif normal.casefold().strip() == name.casefold():
        reason = "is the name of the user"
    else:
        return
    raise RequestError(f"The password {reason}.", hint="Choose another one.", code="weak_password", field="password")


def hash_password(password: str) -> str:
    """The argon2id hash of a password, with its salt and parameters."""
    with _turn():
        return _hasher.hash(_normal(password))


def verify_password(password: str, hashed: str | None) -> bool:
    """Whether `password` has this hash. It takes as long if there is none, so that nobody learns which users exist."""
    with _turn():
        try:
            return _hasher.verify(hashed or _of_nobody(), _normal(password)) and hashed is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(hashed: str) -> bool:
    """Whether a hash was made with other parameters than new ones."""
    return _hasher.check_needs_rehash(hashed)


def new_password() -> str:
    """A random password that can be read out and typed: 20 characters, 99 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(4))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn. Raises RequestError (`rate_limited`) if too many others wait."""
    if not _AT_A_TIME.acquire(timeout=_PATIENCE_S):
        raise RequestError("Too many people log in at once.", hint="Try again in a moment.", code="rate_limited")
    try:
        yield
    finally:
        _AT_A_TIME.release()


def _normal(password: str) -> str:
    """The password as it is hashed: the same characters may be typed in several forms of Unicode."""
    return unicodedata.normalize("NFKC", password)[: LONGEST + 1]


@cache
def _of_nobody() -> str:
    """The hash of a password that nobody knows."""
    return _hasher.hash(secrets.token_urlsafe())
