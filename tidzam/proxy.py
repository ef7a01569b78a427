"""Proxies: traffic between Tidzam's own programs never uses one; sources from outside may."""

from __future__ import annotations

import ssl
import urllib.request
import urllib.response
from collections.abc import Mapping, MutableMapping

from tidzam.text import comma_list

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
_VARIABLES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "ws_proxy", "wss_proxy", "grpc_proxy")


def open_direct(url: str | urllib.request.Request, *, timeout_s: float) -> urllib.response.addinfourl:
    """Open a URL of this node without a proxy, whatever the environment says. Raises what `urllib` raises.

    A TLS certificate is not verified: it is for the name under which others reach the node.
    """
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    handlers = urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    opener = urllib.request.build_opener(*handlers)
    response: urllib.response.addinfourl = opener.open(url, timeout=timeout_s)
    return response


def without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without any proxy variable: for a process that only talks to this project's own programs."""
    return {name: value for name, value in environment.items() if name.lower() not in _VARIABLES}


def forget_proxies(environment: MutableMapping[str, str]) -> None:
    """Remove every proxy variable from this process's `environment`, for libraries that read it themselves."""
    for name in [name for name in environment if name.lower() in _VARIABLES]:
        del environment[name]


def bypassing_locally(environment: Mapping[str, str], hosts: tuple[str, ...] = ()) -> dict[str, str]:
    """The `no_proxy` variables for a process that may use a proxy, but not for this machine or for `hosts`."""
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    value = ",".join(dict.fromkeys([*comma_list(listed), *LOCAL_HOSTS, *hosts]))
    return {"no_proxy": value, "NO_PROXY": value}
