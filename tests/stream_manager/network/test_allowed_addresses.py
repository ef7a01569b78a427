"""What clients without the token may load."""

from __future__ import annotations

import ipaddress

import pytest

from stream_manager.network.address import parse_address
from stream_manager.network.allowed_addresses import AllowedAddresses, is_public, require_allowed
from tidzam.config import Settings
from tidzam.errors import RequestError

REACH = AllowedAddresses.of(Settings())


PRIVATE = [
    "127.0.0.1",
    "127.9.9.9",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "::7f00:1",
    "::ffff:0:7f00:1",
    "64:ff9b:1::7f00:1",
    "fec0::1",
    "192.0.0.8",
    "192.0.0.9",
]


@pytest.mark.parametrize("address", PRIVATE)
def test_addresses_of_this_machine_and_of_private_networks_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


URLS = [
    "http://127.0.0.1:22/",
    "http://localhost:22/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://127.1:631/",
    "http://[::1]:22/",
    "https://[fe80::1]/",
    "rtsp://10.0.0.1/cam",
    "icecast://192.168.0.9:8000/x",
    "HTTP://169.254.169.254/",
    "http://0:8080/",
    "http://[::ffff:127.0.0.1]:22/",
    "http://u:p@127.0.0.1/",
]


@pytest.mark.parametrize("url", URLS)
async def test_private_addresses_are_refused_without_the_token_in_every_notation(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        await require_allowed(url, REACH)
    assert caught.value.code == "address_not_allowed"
    await require_allowed(url, None)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8000/pond-out_0.ogg", "http://localhost:8000/x", "icecast://[::1]:8000/x", "pond.wav"]
)
async def test_the_mounts_of_the_nodes_icecast_and_files_may_be_opened(url: str) -> None:
    await require_allowed(url, REACH)


async def test_the_profile_may_allow_hosts_and_all_private_addresses() -> None:
    for host in ("10.0.0.1", "10.0.0.1:80", "[fd00::1]:80"):
        allowed = AllowedAddresses(False, frozenset({host}), ("127.0.0.1", 8000))
        await require_allowed("http://[FD00::1]/x" if "fd" in host else "http://10.0.0.1/x", allowed)
        with pytest.raises(RequestError):
            await require_allowed("http://10.0.0.2/x", allowed)
    await require_allowed("http://127.0.0.1:22/", AllowedAddresses(True, frozenset(), ("127.0.0.1", 8000)))


LINK_LOCAL = [
    "169.254.169.254",
    "169.254.0.1",
    "fe80::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
]


@pytest.mark.parametrize("host", LINK_LOCAL)
def test_link_local_and_metadata_addresses_need_to_be_named_even_with_the_token(host: str) -> None:
    address = parse_address(f"http://{f'[{host}]' if ':' in host else host}/latest/meta-data")
    with_token = REACH.with_token()
    assert not with_token.allows(address, [host])
    assert AllowedAddresses(True, frozenset({host}), ("127.0.0.1", 8000)).allows(address, [host])


def test_the_token_allows_private_addresses() -> None:
    assert REACH.with_token().allows(parse_address("http://10.0.0.1/x"), ["10.0.0.1"])


async def test_the_profile_may_limit_clients_to_the_hosts_that_it_names() -> None:
    settings = Settings.model_validate(
        {"stream_manager": {"allow_public_addresses": False, "allowed_hosts": ["8.8.8.8"]}}
    )
    allowed = AllowedAddresses.of(settings)
    await require_allowed("http://8.8.8.8/x", allowed)
    for policy in (allowed, allowed.with_token()):
        with pytest.raises(RequestError):
            await require_allowed("http://1.1.1.1/x", policy)


def test_a_name_that_resolves_to_a_public_and_a_private_address_is_refused() -> None:
    address = parse_address("http://pond.example/x")
    assert REACH.allows(address, ["1.1.1.1"])
    assert not REACH.allows(address, ["1.1.1.1", "127.0.0.1"])
