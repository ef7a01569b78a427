"""Limits on Engine.IO packets and on the JSON in them. Pure."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

MOST_PACKETS = 16
"""Maximum number of packets in one body of the polling transport."""
MOST_ATTACHMENTS = 2
DEEPEST = 16
MOST_KEYS = 256
MOST_ITEMS = 1024
MOST_VALUES = 4096
LONGEST_STRING = 8192
LONGEST_INTEGER = 20
"""Characters of a 64-bit integer."""

_SOCKET_IO_TYPES = frozenset("012356")
_ENGINE_IO_REST = {"1": ("",), "2": ("probe",), "3": ("", "probe"), "5": ("",)}
_POLLING_TYPES = frozenset("134b")
"""The types of packets in polling; a WebSocket also carries those of its upgrade."""
_EVENT_NAME = re.compile(r'\[\s*("(?:[^"\\]|\\.){1,64}")')
_STRING = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
"""Strings, closed or not, so that a search takes linear time."""
_NO_BRACKETS = re.compile(r"[^][{}]+")


class BadPacket(ValueError):
    """A packet that violates Engine.IO or Socket.IO, or a limit that no correct program reaches."""


@dataclass(frozen=True)
class Unusable:
    """Replaces the content of an invalid request: the reason and the error code."""

    reason: str
    code: str = "request"


class _LimitExceeded(Exception):
    """A value beyond a limit in a JSON text."""


def check_text(packet: str) -> None:
    """Raises BadPacket for a text packet that Engine.IO cannot decode or does not expect from a client."""
    kind, rest = packet[:1], packet[1:]
    if kind == "4":
        if rest[:1] not in _SOCKET_IO_TYPES or not rest:
            raise BadPacket("an unknown Socket.IO packet type")
    elif rest not in _ENGINE_IO_REST.get(kind, ()):
        raise BadPacket("an unknown Engine.IO packet")


def check_base64(packet: str, *, most_bytes: int) -> None:
    """Raises BadPacket for a binary packet of the polling transport (`b`, then base64) that is long or malformed."""
    if len(packet) > 1 + most_bytes * 4 // 3 + 4:
        raise BadPacket("a binary packet that is too long")
    try:
        base64.b64decode(packet[1:], validate=True)
    except (binascii.Error, ValueError):
        raise BadPacket("malformed base64") from None


def split_body(body: bytes, *, most_bytes: int) -> list[str]:
    """The packets in a body of the polling transport. Raises BadPacket."""
    try:
        packets = body.decode().split("\x1e")
    except UnicodeDecodeError:
        raise BadPacket("a body that is not UTF-8") from None
    if len(packets) > MOST_PACKETS:
        raise BadPacket(f"more than {MOST_PACKETS} packets in one body")
    for packet in packets:
        if packet[:1] not in _POLLING_TYPES:
            raise BadPacket("an unknown Engine.IO packet")
        if packet[:1] == "b":
            check_base64(packet, most_bytes=most_bytes)
        else:
            check_text(packet)
    return packets


def decode_json(text: str, *, most_bytes: int) -> Any:
    """The content of a packet.

    For an event whose content exceeds a limit it is `[name, Unusable]`, so that it can be answered. Raises BadPacket
    if the text is neither JSON nor an event.
    """
    try:
        _check_length(text, most_bytes)
        _check_depth(text)
        value = json.loads(text, parse_int=_integer, parse_constant=_not_a_number)
        _check_values(value)
    except _LimitExceeded as fault:
        return _unusable(text, str(fault))
    except (ValueError, RecursionError):
        raise BadPacket("malformed JSON") from None
    return value


def _unusable(text: str, reason: str) -> list[Any]:
    found = _EVENT_NAME.match(text)
    try:
        name = json.loads(found[1]) if found else None
    except ValueError:
        name = None
    if name is None or not _is_text(name):
        raise BadPacket(reason)
    return [name, Unusable(reason)]


def _check_length(text: str, most_bytes: int) -> None:
    if len(text) > most_bytes or (not text.isascii() and len(text.encode("utf-8", "surrogatepass")) > most_bytes):
        raise _LimitExceeded(f"The message has {len(text)} characters, at most {most_bytes} bytes are allowed")


def _check_depth(text: str) -> None:
    """Check before decoding, which is recursive. Brackets inside strings do not count."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for character in _NO_BRACKETS.sub("", _STRING.sub("", text)):
        if character in "[{":
            depth += 1
            if depth > DEEPEST:
                raise _LimitExceeded(f"The message is nested deeper than {DEEPEST} levels")
        else:
            depth -= 1


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise _LimitExceeded(f"An integer has {len(digits)} characters, at most {LONGEST_INTEGER} are allowed")
    return int(digits)


def _not_a_number(name: str) -> NoReturn:
    raise _LimitExceeded(f"{name} is not a number in JSON")


def _check_values(value: Any) -> None:
    count = 0
    waiting = [value]
    while waiting:
        count += 1
        if count > MOST_VALUES:
            raise _LimitExceeded(f"The message contains more than {MOST_VALUES} values")
        waiting.extend(_checked(waiting.pop()))


def _checked(value: Any) -> Iterator[Any]:
    """The values inside a value, which itself is checked."""
    if isinstance(value, str):
        _check_string(value)
    elif isinstance(value, float) and not math.isfinite(value):
        raise _LimitExceeded("A number is too large")
    elif isinstance(value, list):
        if len(value) > MOST_ITEMS:
            raise _LimitExceeded(f"A list has {len(value)} values, at most {MOST_ITEMS} are allowed")
        yield from value
    elif isinstance(value, dict):
        if len(value) > MOST_KEYS:
            raise _LimitExceeded(f"An object has {len(value)} keys, at most {MOST_KEYS} are allowed")
        for key in value:
            _check_string(key)
        yield from value.values()


def _check_string(text: str) -> None:
    if len(text) > LONGEST_STRING:
        raise _LimitExceeded(f"A string has {len(text)} characters, at most {LONGEST_STRING} are allowed")
    if not _is_text(text):
        raise _LimitExceeded("A string contains half of a surrogate pair, which is not a character")


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
