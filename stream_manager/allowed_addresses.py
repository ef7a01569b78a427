"""Which addresses a client may load: without the token, none on this machine or a private network.

Otherwise the errors of failed sources would reveal which services run on this machine and in its network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass

from stream_manager.address import Address, parse_address
from tidzam.addresses import is_address, url_host
from tidzam.config import Settings
from tidzam.errors import RequestError

RESOLVE_TIMEOUT_S = 5.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV6_INTERNET = ipaddress.ip_network("2000::/3")
"""All other IPv6 addresses are local or stand for an IPv4 address in a way that some networks still translate."""
_IPV4_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""Served by the nearest router; `ipaddress` considers some of them global."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AllowedAddresses:
    """The addresses that clients without the token may load.

    `hosts` are HOST or HOST:PORT, in lower case, that are allowed although they are private; `icecast` is the host and
    the port of the node's own Icecast, whose mounts every client may load.
    """

    allow_private: bool
    hosts: frozenset[str]
    icecast: tuple[str, int]

    @classmethod
    def of(cls, settings: Settings) -> AllowedAddresses:
        manager, icecast = settings.stream_manager, settings.icecast
        hosts = frozenset(host.lower() for host in manager.allowed_hosts)
        return cls(manager.allow_private_addresses, hosts, (icecast.reachable_host, icecast.port))

    def allows(self, address: Address, resolved: Iterable[str]) -> bool:
        """Whether `address`, whose host resolves to the IP addresses `resolved`, may be opened."""
        host = address.host.lower()
        if self.allow_private or {host, f"{url_host(host)}:{address.port}"} & self.hosts:
            return True
        found = [ipaddress.ip_address(one) for one in resolved]
        return self._is_icecast(address, found) or all(map(is_public, found))

    def _is_icecast(self, address: Address, found: Iterable[IpAddress]) -> bool:
        host, port = self.icecast
        return address.port == port and (address.host == host or all(one.is_loopback for one in found))


def is_public(address: IpAddress) -> bool:
    """Whether `address` is on the Internet, rather than on this machine, in its network or in a private one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    is_internet = address in _IPV6_INTERNET if address.version == 6 else address not in _IPV4_PROTOCOLS
    return is_internet and address.is_global and not address.is_multicast


async def require_allowed(media: str, allowed: AllowedAddresses | None) -> None:
    """Raises RequestError (code "address_not_allowed") if `media` is an address that is not `allowed`; None allows all.

    A host that cannot be resolved passes, as nothing can be opened there.
    """
    if allowed is None or not is_address(media):
        return
    address = parse_address(media)
    if not allowed.allows(address, await _resolve(address)):
        raise RequestError(
            "The address is on this machine or a private network, and the request came without the token.",
            hint="Send the token, or set stream_manager.allow_private_addresses or allowed_hosts in the profile.",
            code="address_not_allowed",
            field="url",
        )


async def _resolve(address: Address) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            rows = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError, TimeoutError):
        return []
    return [str(row[4][0]) for row in rows]
