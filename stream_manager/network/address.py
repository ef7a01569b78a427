"""Network addresses, parsed so strictly that no part of a password is mistaken for a host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tidzam.addresses import scheme_of
from tidzam.errors import RequestError
from tidzam.scrub import scrub_address

MAX_LENGTH = 4096
"""The maximum number of characters in an address."""
SCHEMES = ("http", "https", "rtsp", "icecast")
_DEFAULT_PORTS = {"http": 80, "https": 443, "rtsp": 554}

_HOST_AND_PORT = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<name>[^\s:/?#@\[\]\\%]+))(?::(?P<port>\d{1,5}))?"
)
_USER_INFO = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")
_ENCODE = (
    "Percent-encode every character of the user name and the password except letters and digits: %40 for @, "
    "%2F for /, %23 for #, %3F for ?, %25 for %, %20 for a space. Encode an @ in the path as well."
)


@dataclass(frozen=True)
class Address:
    """A parsed address. `url` is what a player opens; `host` has no brackets."""

    url: str
    scheme: str
    host: str
    port: int
    has_credentials: bool


def parse_address(text: str) -> Address:
    """Parse an address. Raises RequestError, whose message hides credentials."""
    scheme, rest = scheme_of(text), text.partition("://")[2]
    if scheme not in SCHEMES:
        hint = f"Use {', '.join(SCHEMES)}, or a file under a media root."
        raise _refusal(text, "is not an address of a supported scheme", hint)
    if len(text) > MAX_LENGTH:
        message = f"The address has {len(text)} characters; at most {MAX_LENGTH} are allowed."
        raise RequestError(message, hint="Use a shorter address.", field="url")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, at, host_and_port = authority.rpartition("@")
    found = _HOST_AND_PORT.fullmatch(host_and_port)
    if (
        not text.isprintable()
        or " " in text
        or "@" in user
        or not _USER_INFO.fullmatch(user)
        or _is_ambiguous(rest, found)
    ):
        raise _refusal(text, "is ambiguous", _ENCODE)
    if found is None or not 1 <= int(found["port"] or 1) <= 65535:
        raise _refusal(
            text, "has no valid host and port", "Write http://HOST:8000/PATH; put an IPv6 address in brackets."
        )
    # Listening to an Icecast mount is plain http; `icecast://` is ffmpeg's name for pushing to one.
    scheme = "http" if scheme == "icecast" else scheme
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    credentials = bool(at) or scrub_address(text) != text
    return Address(f"{scheme}://{rest}", scheme, found["v6"] or found["name"], port, credentials)


def _is_ambiguous(rest: str, found: re.Match[str] | None) -> bool:
    """Whether the apparent host may be the beginning of a password, since an `@` follows it."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in rest[len(authority) :]:
        return found is None and "@" in rest
    if found is None:
        return True
    is_certain = found["v6"] is not None or "." in found["name"] or found["name"] == "localhost"
    return not is_certain


def _refusal(text: str, problem: str, hint: str) -> RequestError:
    return RequestError(f"{scrub_address(text)!r} {problem}.", hint=hint, field="url")
