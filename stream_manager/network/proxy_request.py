"""The requests that an HTTP proxy receives: the target, the client's password, and what is passed on. Pure."""

from __future__ import annotations

import base64
import re
from binascii import Error as Base64Error
from dataclasses import dataclass

from stream_manager.network.address import Address, parse_address
from stream_manager.network.guarded_url import true_target
from tidzam.addresses import url_host
from tidzam.errors import RequestError

_REQUEST_LINE = re.compile(r"(?P<method>[A-Z]{1,16}) (?P<target>[\x21-\x7e]+) (?P<version>HTTP/1\.[01])")
_ABSOLUTE = re.compile(r"(?i:http)://(?P<authority>[^/?#]*)(?P<path>[/?][^#]*)?")
_HOP_HEADERS = ("proxy-", "connection:")
"""Beginnings of the headers that concern only the connection to the proxy."""


@dataclass(frozen=True)
class ProxyRequest:
    """A request to a proxy. `target` is what to connect to, whatever the headers say.

    With `inspected`, the request is that of a player for a `guarded_url`, and the response has to be inspected.
    `is_tunnel` is whether its method is CONNECT, which asks only for a connection. `path` includes the query.
    `password` is the client's, None if it sent none.
    """

    method: str
    target: Address
    path: str
    version: str
    headers: tuple[str, ...]
    password: str | None
    inspected: bool = False

    @property
    def is_tunnel(self) -> bool:
        return self.method == "CONNECT"

    @property
    def is_encrypted(self) -> bool:
        """Whether the proxy itself encrypts the connection."""
        return self.target.scheme == "https" and not self.is_tunnel

    def for_target(self) -> bytes:
        """What the target receives first: nothing in a tunnel.

        The connection ends with the response: nobody would check the target of a second request.
        """
        return b"" if self.is_tunnel else self._head(self.path, "")

    def for_tunnel(self, authorization: str = "") -> bytes:
        """What another proxy receives first, to make the connection for an encrypted request."""
        authority = f"{url_host(self.target.host)}:{self.target.port}"
        extra = [f"Proxy-Authorization: {authorization}"] if authorization else []
        return "\r\n".join([f"CONNECT {authority} HTTP/1.1", f"Host: {authority}", *extra, "", ""]).encode("latin-1")

    def for_proxy(self, authorization: str = "") -> bytes:
        """What another proxy receives first, with the value of its header Proxy-Authorization, if any."""
        authority = f"{url_host(self.target.host)}:{self.target.port}"
        return self._head(authority if self.is_tunnel else f"http://{authority}{self.path}", authorization)

    def _head(self, target: str, authorization: str) -> bytes:
        kept = [line for line in self.headers if not line.lower().startswith(_HOP_HEADERS)]
        if self.inspected:
            default = {"http": 80, "https": 443}[self.target.scheme]
            host = url_host(self.target.host) + ("" if self.target.port == default else f":{self.target.port}")
            kept = [line for line in kept if not line.lower().startswith("host:")] + [f"Host: {host}"]
        if authorization:
            kept.append(f"Proxy-Authorization: {authorization}")
        lines = [f"{self.method} {target} {self.version}", *kept, "Connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1")


def parse_proxy_request(head: bytes) -> ProxyRequest:
    """The request in `head`, which ends with an empty line. Raises RequestError."""
    first, *headers = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise RequestError("The proxy received a malformed request.")
    if line["method"] == "CONNECT":
        authority, path = line["target"], "/"
    elif (absolute := _ABSOLUTE.fullmatch(line["target"])) is not None:
        authority, path = absolute["authority"], absolute["path"] or "/"
    else:
        raise RequestError("The proxy received a request for something other than an http address.")
    if "@" in authority:
        raise RequestError("The proxy received an address with a user name.")
    target = parse_address(f"{'https' if line['method'] == 'CONNECT' else 'http'}://{authority}/")
    return ProxyRequest(
        method=line["method"],
        target=true_target(target),
        inspected=line["method"] != "CONNECT" and true_target(target) != target,
        path=path if path.startswith("/") else f"/{path}",
        version=line["version"],
        headers=tuple(headers),
        password=next((_password(one) for one in headers if one.lower().startswith("proxy-authorization:")), None),
    )


def basic_authorization(user: str, password: str) -> str:
    """The value of a header Proxy-Authorization."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()


def _password(header: str) -> str | None:
    scheme, _, value = header.partition(":")[2].strip().partition(" ")
    try:
        decoded = base64.b64decode(value.strip(), validate=True).decode("latin-1")
    except (Base64Error, ValueError):
        return None
    return decoded.partition(":")[2] if scheme.lower() == "basic" else None
