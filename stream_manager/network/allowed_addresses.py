"""Which addresses a client may load: without the token, none on this machine or a private network.

Otherwise the errors of failed sources would reveal which services run on this machine and in its network. Link-local
addresses, on which cloud machines reach their metadata and credentials, have to be allowed by name, even with the
token.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, replace

from stream_manager.network.address import Address, parse_address
from tidzam.addresses import is_address, url_host
from tidzam.config import Settings
from tidzam.errors import RequestError

RESOLVE_TIMEOUT_S = 5.0
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_IPV6_INTERNET = ipaddress.ip_network("2000::/3")
"""All other IPv6 addresses are local or stand for an IPv4 address in a way that some networks still translate."""
_IPV4_PROTOCOLS = ipaddress.ip_network("192.0.0.0/24")
"""Served by the nearest router; `ipaddress` considers some of them global."""

_METADATA = tuple(map(ipaddress.ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254")))
"""Services of cloud machines that are not link-local: Alibaba Cloud, Azure, AWS and Google Cloud."""

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True)
class AllowedAddresses:
    """The addresses that a client may load.

    `allow_private` and `allow_public` are those on this machine or a private network and on the Internet. `hosts` are
    HOST or HOST:PORT, in lower case, that are always allowed; `icecast` is the host and the port of the node's own
    Icecast, whose mounts every client may load.
    """

    allow_private: bool
    hosts: frozenset[str]
    icecast: tuple[str, int]
    allow_public: bool = True

    @classmethod
    def of(cls, settings: Settings) -> AllowedAddresses:
        manager, icecast = settings.stream_manager, settings.icecast
        hosts = frozenset(host.lower() for host in manager.allowed_hosts)
        mounts = icecast.reachable_host, icecast.port
        return cls(manager.allow_private_addresses, hosts, mounts, allow_public=manager.allow_public_addresses)

    def with_token(self) -> AllowedAddresses:
        """The addresses that a client with the token may load."""
        return replace(self, allow_private=True)

    def allows(self, address: Address, resolved: Iterable[str]) -> bool:
        """Whether `address`, whose host resolves to the IP addresses `resolved`, may be opened."""
        host = address.host.lower()
        if {host, f"{url_host(host)}:{address.port}"} & self.hosts:
            return True
        found = [ipaddress.ip_address(one) for one in resolved]
        if any(map(is_link_local, found)):
            return False
        if self._is_icecast(address, found):
            return True
        return all(self.allow_public if is_public(one) else self.allow_private for one in found)

    def _is_icecast(self, address: Address, found: Iterable[IpAddress]) -> bool:
        host, port = self.icecast
        return address.port == port and (address.host == host or all(one.is_loopback for one in found))


def is_link_local(address: IpAddress) -> bool:
    """Whether `address` is link-local (169.254.0.0/16, fe80::/10) or that of a cloud machine's metadata."""
    inner = _embedded(address)
    return is_link_local(inner) if inner is not None else address.is_link_local or address in _METADATA


def is_public(address: IpAddress) -> bool:
    """Whether `address` is on the Internet, rather than on this machine, in its network or in a private one."""
    inner = _embedded(address)
    if inner is not None:
        return is_public(inner)
    is_internet = address in _IPV6_INTERNET if address.version == 6 else address not in _IPV4_PROTOCOLS
    return is_internet and address.is_global and not address.is_multicast


def _embedded(address: IpAddress) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


async def require_allowed(media: str, allowed: AllowedAddresses | None) -> None:
    """Raises RequestError (code "address_not_allowed") if `media` is an address that is not `allowed`; None allows all.

    A host that cannot be resolved passes, as nothing can be opened there.
    """
    if allowed is None or not is_address(media):
        return
    address, resolved = parse_address(media), list[str]()
    with suppress(OSError):
        resolved = await resolve(address)
    if not allowed.allows(address, resolved):
        raise _refusal(allowed)


def _refusal(allowed: AllowedAddresses) -> RequestError:
    """What was found out about the address is not revealed to a client without the token."""
    if not allowed.allow_public or allowed.allow_private:
        message = "The settings of the node do not allow this address: it is link-local, a cloud machine's metadata, "
        message += "or its host is not among the allowed ones."
        hint = "Name its host in stream_manager.allowed_hosts of the profile."
    else:
        message = "The address is on this machine or a private network, and the request came without the token."
        hint = "Send the token, or set stream_manager.allow_private_addresses or allowed_hosts in the profile."
    return RequestError(message, hint=hint, code="address_not_allowed", field="url")


async def resolve(address: Address) -> list[str]:
    """The IP addresses of the host of `address`. Raises OSError: `socket.gaierror` if there are none."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(RESOLVE_TIMEOUT_S):
            rows = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "the name of the host is malformed") from None
    return [str(row[4][0]) for row in rows]
