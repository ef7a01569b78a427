"""Hiding credentials in everything that a person or another program may read: logs, status, responses, errors.

An address can hold them in its user info, its query, its fragment and its path. Everything that may be a credential is
hidden: of a query, only the values of a few harmless parameters are shown.
"""

from __future__ import annotations

import re

HIDDEN = "***"

_HARMLESS = frozenset(
    ("bitrate", "channel", "channels", "codec", "container", "ext", "format", "lang", "quality", "rate", "samplerate")
)
"""Parameters of a query that are shown. All others may be credentials: no list of the names of secrets is complete."""
_HARMLESS_VALUE = re.compile(r"[A-Za-z0-9_.-]{1,16}")

_TOKEN = re.compile(r"\S+")
_CLOSING = re.compile(r"['\"`)\]}>,.:;]*$")
_OPENING = "'\"`([{<"
_IN_QUERY = re.compile(r"[?#&=]")
_PORT = re.compile(r"\d{0,5}(?:['\"`)\]}>,.:;…]|$)")
_ASSIGNMENT = re.compile(
    r"(?i)(?<![a-z])((?:[a-z]+[_-])?(?:password|passwd|pwd|passphrase|token|secret|api[_-]?key|signature)=)\S+"
)
_AUTHORIZATION = re.compile(r"(?i)(authorization['\"]?\s*[:=]\s*['\"]?)(?:(?:basic|bearer|digest)\s+)?\S+")


def scrub(text: str) -> str:
    """`text`, which may quote addresses and headers, without the credentials in them."""
    if not any(mark in text for mark in ("@", "=", "://", "uthorization", "UTHORIZATION")):
        return text
    return _TOKEN.sub(lambda found: scrub_address(found[0]), _AUTHORIZATION.sub(rf"\1{HIDDEN}", text))


def hide_credentials(value: str) -> str:
    """`value`, which somebody sent and which may be an address, without credentials."""
    return scrub_address(value) if "://" in value else scrub(value)


def scrub_address(address: str) -> str:
    """`address`, a single address or the name of a file, without credentials. It may contain spaces.

    >>> scrub_address("http://user:secret@example.org/pond.ogg")
    'http://example.org/pond.ogg'
    """
    address = _without_user(address)
    before, mark, rest = address.partition("://")
    if mark:
        return _ASSIGNMENT.sub(rf"\1{HIDDEN}", before) + mark + _without_parameters(_without_cut_user(rest))
    if "?" in address and "=" in address.partition("?")[2]:
        return _without_parameters(address)
    return _ASSIGNMENT.sub(rf"\1{HIDDEN}", address)


def _without_user(address: str) -> str:
    """Without `user:password@`. A password may itself hold `@`, `/`, `?` or `#`, so the last `@` ends it.

    What follows an `@` in a query may be a host or a part of a secret, and is hidden.
    """
    colon, at = address.find(":"), address.rfind("@")
    if not 0 <= colon < at:
        return address
    scheme = address.find("://")
    begin = scheme + 3 if 0 <= scheme < at else len(address) - len(address.lstrip(_OPENING))
    return address[:begin] + (HIDDEN if _IN_QUERY.search(address, begin, at) else address[at + 1 :])


def _without_cut_user(rest: str) -> str:
    """A message may be cut off within a password: what follows a colon and is not a port is hidden."""
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if authority.startswith("["):
        return rest
    host, colon, port = authority.partition(":")
    return host + colon + HIDDEN if colon and not _PORT.match(port) else rest


def _without_parameters(rest: str) -> str:
    """The part after the scheme, without the values in its path, its query and its fragment."""
    before_fragment, fragment, _ = rest.partition("#")
    path, question, query = before_fragment.partition("?")
    name, equals, _ = path.partition("=")
    shown = name + (equals and equals + HIDDEN)
    if question:
        shown += question + "&".join(map(_parameter, query.split("&")))
    shown += fragment and fragment + HIDDEN
    closing = _CLOSING.search(rest)
    return shown + closing[0] if closing and shown.endswith(HIDDEN) and not rest.endswith(HIDDEN) else shown


def _parameter(parameter: str) -> str:
    """`name=value` with the value hidden, unless both are harmless."""
    name, equals, value = parameter.partition("=")
    harmless = name.lower() in _HARMLESS and _HARMLESS_VALUE.fullmatch(_CLOSING.sub("", value))
    if harmless or not parameter:
        return parameter
    return name + equals + HIDDEN if equals else HIDDEN
