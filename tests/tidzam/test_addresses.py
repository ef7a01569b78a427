"""Hosts and schemes, as addresses spell them."""

from __future__ import annotations

import aiohttp
import pytest

from tests.support.server import serving
from tidzam.addresses import scheme_of, url_host
from tidzam.config.settings import IcecastSettings


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("[::1]", "http://[::1]:8000"),
        ("::", "http://127.0.0.1:8000"),
        ("0:0:0:0:0:0:0:0", "http://127.0.0.1:8000"),
        ("fd00::2", "http://[fd00::2]:8000"),
        ("pond.lan", "http://pond.lan:8000"),
    ],
)
def test_a_server_is_found_from_this_machine(host: str, url: str) -> None:
    assert IcecastSettings(host=host).url == url


def test_an_ipv6_address_is_kept_in_its_shortest_form() -> None:
    assert IcecastSettings(host="[0:0:0:0:0:0:0:0]").host == "::"
    assert IcecastSettings(host=" 0:0:0:0:0:0:0:1 ").host == "::1"


def test_hosts_and_schemes() -> None:
    assert (url_host("::1"), url_host("a.b"), scheme_of("HTTPS://h")) == ("[::1]", "a.b", "https")


async def test_a_server_on_every_ipv6_address_is_reached_by_ipv4_too() -> None:
    async with serving(host="::") as place, aiohttp.ClientSession() as http:
        for reachable in ("127.0.0.1", "[::1]", "localhost"):
            async with http.get(f"http://{reachable}:{place.port}/healthz") as answer:
                assert answer.status == 200
