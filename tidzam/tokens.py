"""The token that permits managing a node: created once, stored in the home of the node, readable only by its owner."""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
import stat
from pathlib import Path

from tidzam.errors import SetupError

log = logging.getLogger(__name__)

TOKEN_ENV = "TIDZAM_TOKEN"
"""Environment variable with the token of a program that runs without a home. It takes precedence over the file."""

TOKEN_FILE = "token"
"""Name of the token file in the home."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,200}")
_LONGEST_FILE = 1024


def ensure_token(path: Path) -> str:
    """The token in `path`; a file with a new token is created if there is none.

    Raises SetupError if it is not a token file or if other users can read it. An existing file is never replaced.
    """
    if not os.path.lexists(path):
        _create(path)
    return read_token(path)


def read_token(path: Path) -> str:
    """The token in `path`. Raises SetupError if there is none or if other users can read it."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise _unusable(path, f"cannot be opened: {error.strerror}") from None
    try:
        _require_private(path, os.fstat(descriptor))
        text = os.read(descriptor, _LONGEST_FILE).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    if not _TOKEN.fullmatch(text):
        raise _unusable(path, "does not contain a token (20 to 200 letters, digits, - and _)")
    return text


def find_token(home: Path | None) -> str | None:
    """The token of the environment, else that of the node in `home`; None if there is neither.

    An unsafe token file is logged and treated as missing.
    """
    if given := os.environ.get(TOKEN_ENV):
        return given
    path = home and home / TOKEN_FILE
    if path is None or not os.path.lexists(path):
        return None
    try:
        return read_token(path)
    except SetupError as error:
        log.error("%s", error)
        return None


def take_token(home: Path | None) -> str | None:
    """Like `find_token`, and removes the token from the environment, so that child processes do not inherit it."""
    token = find_token(home)
    os.environ.pop(TOKEN_ENV, None)
    return token


def same_token(given: object, token: str | None) -> bool:
    """Whether `given` is `token`, compared in constant time. Nothing equals a missing token."""
    if token is None or not isinstance(given, str):
        return False
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), token.encode("utf-8", "surrogatepass"))


def bearer(token: str | None) -> dict[str, str]:
    """The HTTP headers that carry a token."""
    return {"Authorization": f"Bearer {token}"} if token else {}


def _create(path: Path) -> None:
    """Write a new token to a temporary file and link it to `path`, unless another process was faster."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(32)}\n")
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _require_private(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _unusable(path, "is not a regular file")
    if status.st_uid not in (os.geteuid(), 0):
        raise _unusable(path, f"belongs to the user {status.st_uid}, expected {os.geteuid()}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise SetupError(
            f"Other users can read or change the token file {path}: its mode is {mode:04o}, expected 0600.",
            hint=f"Run `chmod 600 {path}`. If somebody may have read it, delete it: the next start creates a new one.",
            code="token_file",
        )


def _unusable(path: Path, problem: str) -> SetupError:
    return SetupError(
        f"The token file {path} {problem}.",
        hint="Restore it, or delete it: the next start creates a new one.",
        code="token_file",
    )
