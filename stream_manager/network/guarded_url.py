"""The addresses that players open by way of the guard proxy: http, with the true scheme in the name of the host. Pure.

`https://station.example/x` becomes `http://tidzam-https--station.example:443/x`: the proxy makes the encrypted
connection, so that it can check what a list of HLS refers to. Relative addresses keep the mark.
"""

from __future__ import annotations

import re

from stream_manager.network.address import Address, parse_address
from tidzam.addresses import url_host

_MARK = re.compile(r"tidzam-(?P<scheme>https?)--(?P<v6>v6-)?(?P<host>.+)")
_MARKED_URL = re.compile(r"http://(?P<user>[^@/?#\s]*@)?tidzam-(?P<scheme>https?)--(?:v6-)?")
_ORIGIN = re.compile(r"(?i:(?P<scheme>https?)://)(?P<user>[^@/?#]*@)?")


def guarded_url(url: str) -> str:
    """`url`, an address of the web, as a player opens it by way of the proxy. Others are returned unchanged."""
    address = parse_address(url)
    if address.scheme not in ("http", "https") or is_guarded(url):
        return url
    origin = _ORIGIN.match(address.url)
    assert origin is not None
    host = f"v6-{address.host.replace(':', '_').replace('%', '~')}" if ":" in address.host else address.host
    path = re.sub(r"^[^/?#]*", "", address.url[origin.end() :])
    return f"http://{origin['user'] or ''}tidzam-{address.scheme}--{host}:{address.port}{path}"


def is_guarded(url: str) -> bool:
    """Whether `url` is one of `guarded_url`."""
    return _MARKED_URL.match(url) is not None


def true_target(target: Address) -> Address:
    """The target of a request to the proxy without its mark."""
    found = _MARK.fullmatch(target.host)
    if found is None:
        return target
    host = found["host"].replace("_", ":").replace("~", "%") if found["v6"] else found["host"]
    return parse_address(f"{found['scheme']}://{url_host(host)}:{target.port}/")


def without_marks(text: str) -> str:
    """`text`, which may quote addresses of `guarded_url`, with the true ones, but for brackets."""
    return _MARKED_URL.sub(lambda found: f"{found['scheme']}://{found['user'] or ''}", text)
