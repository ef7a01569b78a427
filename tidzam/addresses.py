"""Addresses: which text is one, what its scheme is, and how a host is written into a URL."""

from __future__ import annotations

import ipaddress


def is_address(media: str) -> bool:
    """Whether `media` is a network address, and not a file."""
    return "://" in media


def scheme_of(address: str) -> str:
    """The scheme in lower case, since schemes have no case."""
    return address.partition("://")[0].lower()


def url_host(host: str) -> str:
    """`host` as a URL spells it: an IPv6 address stands in brackets."""
    return f"[{host}]" if ":" in host else host


def bare_host(host: str) -> str:
    """`host` as sockets and resolvers expect it: no brackets or blanks, and an IPv6 address in its shortest form."""
    host = host.strip()
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def host_on_this_machine(host: str) -> str:
    """Where a server that listens on `host` is reached from this machine: a wildcard includes the loopback address."""
    return "127.0.0.1" if not host or _is_wildcard(host) else host


def hosts_to_listen_on(host: str) -> str | list[str]:
    """The addresses that a server binds for `host`: `::` alone would leave IPv4 out, since asyncio keeps them apart."""
    is_ipv6_wildcard = ":" in host and _is_wildcard(host)
    return [host, "0.0.0.0"] if is_ipv6_wildcard else host


def _is_wildcard(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return False
