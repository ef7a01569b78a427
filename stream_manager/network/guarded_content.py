"""What the guard proxy changes in the responses of servers: redirections, and the addresses in lists of HLS. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stream_manager.network.guarded_url import guarded_url
from tidzam.errors import RequestError

HLS = b"#EXTM3U"
MAX_HLS_BYTES = 4 << 20

_URI = re.compile(r'(?i)(?P<before>URI=")(?P<uri>[^"]*)|(?P<bare>URI=(?!"))')
_HAS_SCHEME = re.compile(r"[^/?#]*:")
_WEB = re.compile(r"(?i)https?://")
_DROPPED = ("transfer-encoding:", "connection:", "keep-alive:")
"""Headers of the connection to the server. Chunks are joined."""


class ContentRefusedError(Exception):
    """A response that is not passed on, as what it refers to cannot be checked."""


@dataclass(frozen=True)
class ResponseHead:
    """The lines of a response before its content, which may be divided into chunks."""

    lines: tuple[str, ...]
    is_chunked: bool = False

    @property
    def content_length(self) -> int | None:
        length = next((line.partition(":")[2].strip() for line in self.lines if _is(line, "content-length")), "")
        return int(length) if re.fullmatch(r"\d{1,15}", length) else None

    def with_length(self, count: int) -> ResponseHead:
        """For content of `count` bytes."""
        kept = (line for line in self.lines if not _is(line, "content-length"))
        return ResponseHead((*kept, f"Content-Length: {count}"))

    def encode(self) -> bytes:
        """As it is sent to a player, whose connection serves one request."""
        return "\r\n".join([*self.lines, "Connection: close", "", ""]).encode("latin-1")


def parse_response_head(head: bytes, scheme: str) -> ResponseHead:
    """The head of a response, with the address that it redirects to as a player opens it.

    `scheme` is that of the request. Raises ContentRefusedError for encoded content, in which no list would be seen.
    """
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    encodings = {_value(line) for line in lines if _is(line, "transfer-encoding")} - {"identity"}
    compressions = {_value(line) for line in lines if _is(line, "content-encoding")} - {"identity"}
    if compressions or encodings - {"chunked"}:
        raise ContentRefusedError
    kept = (_redirected(line, scheme) for line in lines if not line.lower().startswith(_DROPPED))
    return ResponseHead((first, *kept), is_chunked=bool(encodings))


def _value(line: str) -> str:
    return line.partition(":")[2].strip().lower()


def _is(line: str, name: str) -> bool:
    return line.lower().startswith(f"{name}:")


def _redirected(line: str, scheme: str) -> str:
    if not _is(line, "location"):
        return line
    return f"Location: {_guarded(line.partition(':')[2].strip(), scheme)}"


def guarded_hls(content: bytes, scheme: str) -> bytes:
    """A list of HLS whose addresses lead through the proxy. Raises ContentRefusedError for others than web addresses.

    `scheme` is that of the list itself.
    """
    lines = re.split(r"\r\n|\n|\r", content.decode("utf-8", "surrogateescape"))
    return "\n".join(_guarded_line(line, scheme) for line in lines).encode("utf-8", "surrogateescape")


def _guarded_line(line: str, scheme: str) -> str:
    if "\0" in line:
        raise ContentRefusedError
    if not line.lstrip().startswith("#"):
        return _guarded(line.strip(), scheme)

    def replaced(found: re.Match[str]) -> str:
        if found["bare"]:
            raise ContentRefusedError
        return found["before"] + _guarded(found["uri"].strip(), scheme)

    return _URI.sub(replaced, line)


def _guarded(uri: str, scheme: str) -> str:
    """An absolute or relative reference as a player opens it."""
    absolute = f"{scheme}:{uri}" if uri.startswith("//") else uri
    if not _HAS_SCHEME.match(absolute):
        return uri
    if not _WEB.match(absolute):
        raise ContentRefusedError
    try:
        return guarded_url(absolute)
    except (RequestError, ValueError):
        raise ContentRefusedError from None
