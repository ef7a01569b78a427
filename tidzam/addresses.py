"""What addresses have in common: which text is one, how a scheme is read, and how a host is written into a URL."""

from __future__ import annotations

import ipaddress


def is_address(media: str) -> bool:
    """Whether `media` is an address of the network, and not a file."""
    return "://" in media


def scheme_of(address: str) -> str:
    """The scheme in lower case, since schemes have no case."""
    return address.partition("://")[0].lower()


def url_host(host: str) -> str:
    """`host` as a URL spells it: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host


def bare_host(host: str) -> str:
    """`host` as sockets and resolvers take it, without brackets or blanks."""
    host = host.strip()
    return host[1:-1] if host.startswith("[") and host.endswith("]") else host


def host_on_this_machine(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine: every address includes the loopback one."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host or "127.0.0.1"
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"
