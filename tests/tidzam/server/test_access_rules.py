"""Who may do what: the decisions, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.config.settings import AccessSettings
from tidzam.server.access import ANONYMOUS, Access, Right, is_foreign_origin, is_own_host, own_names
from tidzam.server.authentication import Authentication, Credentials

HERE = own_names("127.0.0.1", frozenset({"reed-warbler"}))
BOTH = frozenset({Right.LISTEN, Right.MANAGE})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.7", "localhost", "::1"])
def test_on_a_loopback_address_everybody_may_listen_and_manage(host: str) -> None:
    assert Access.of(AccessSettings(), host=host, token="t").open_rights == BOTH


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.168.1.5", "2001:db8::1", "station.example"])
def test_on_any_other_address_managing_needs_the_token(host: str) -> None:
    access = Access.of(AccessSettings(), host=host, token="t")
    authentication = Authentication(access)
    assert authentication.rights(ANONYMOUS) == {Right.LISTEN}
    assert authentication.rights(authentication.identify(Credentials(bearer="t"))) == BOTH


def test_the_profile_decides_for_each_right() -> None:
    closed = Access.of(AccessSettings(listen="token", manage="token"), host="127.0.0.1", token="t")
    assert closed.open_rights == frozenset()
    wide = Access.of(AccessSettings(manage="open"), host="0.0.0.0", token=None)
    assert wide.open_rights == BOTH


@pytest.mark.parametrize("given", [None, "", "wrong", 7, ["t"], {"t": 1}, "t\ud800", b"token-of-ours"])
def test_nothing_but_the_token_proves_the_token(given: object) -> None:
    assert not Access(token="token-of-ours").proves(given)
    assert not Access(token=None).proves(given)


def test_the_token_is_in_no_text_that_could_be_logged() -> None:
    assert "token-of-ours" not in repr(Access(token="token-of-ours"))


def test_the_token_proves_itself() -> None:
    assert Access(token="token-of-ours").proves(None, "token-of-ours")


@pytest.mark.parametrize("header", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001", "LOCALHOST:8001"])
def test_a_loopback_server_is_reached_by_the_names_of_loopback(header: str) -> None:
    assert is_own_host(header, port=8001, names=HERE, listed=frozenset())


@pytest.mark.parametrize(
    "header",
    [
        "evil.example",
        "evil.example:8001",
        "127.0.0.1.evil.example:8001",
        "localhost.evil.example:8001",
        "127.0.0.1:8002",
        "localhost",
        "192.168.1.5:8001",
        "user@127.0.0.1:8001",
        "127.0.0.1:8001, evil.example",
        "127.0.0.1:8001:8001",
        "[::1:8001",
        "[::1]8001",
        "127.0.0.1:²",
        "",
        ":8001",
    ],
)
def test_any_other_host_is_foreign_so_that_dns_rebinding_fails(header: str) -> None:
    assert not is_own_host(header, port=8001, names=HERE, listed=frozenset())


def test_a_program_that_sends_no_host_is_let_in() -> None:
    assert is_own_host(None, port=8001, names=HERE, listed=frozenset())


@pytest.mark.parametrize(
    ("host", "header"), [("0.0.0.0", "reed-warbler:80"), ("10.0.0.5", "10.0.0.5:80"), ("::", "localhost")]
)
def test_a_server_on_the_network_is_reached_by_its_own_names(host: str, header: str) -> None:
    names = own_names(host, frozenset({"Reed-Warbler"}))
    assert is_own_host(header, port=80, names=names, listed=frozenset())


def test_listed_hosts_are_own_with_any_port_or_the_one_listed() -> None:
    listed = frozenset({"station.example", "pond.example:9000"})
    assert is_own_host("station.example:9001", port=8001, names=HERE, listed=listed)
    assert is_own_host("pond.example:9000", port=8001, names=HERE, listed=listed)
    assert not is_own_host("pond.example:9001", port=8001, names=HERE, listed=listed)


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://evil.example:8001",
        "null",
        "",
        "http://127.0.0.1:3000",
        "http://localhost:8001",
        "http://127.0.0.1:8001.evil.example",
        "http://127.0.0.1:8001@evil.example",
        "file://",
        "chrome-extension://abcdef",
        "ftp://127.0.0.1:8001",
        "http://127.0.0.1:8001, http://evil.example",
    ],
)
def test_a_page_of_another_origin_is_foreign(origin: str) -> None:
    assert is_foreign_origin(
        {"Origin": origin, "Host": "127.0.0.1:8001"}, origins=frozenset({"https://friend.example"})
    )


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8001", "https://friend.example", "HTTPS://Friend.Example"])
def test_the_servers_own_pages_and_listed_ones_may_connect(origin: str) -> None:
    headers = {"Origin": origin, "Host": "127.0.0.1:8001"}
    assert not is_foreign_origin(headers, origins=frozenset({"https://friend.example"}))


def test_programs_which_send_no_origin_are_not_foreign() -> None:
    assert not is_foreign_origin({"Host": "127.0.0.1:8001"}, origins=frozenset())


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_script_or_image_of_a_foreign_page_is_refused_though_it_sends_no_origin(site: str) -> None:
    headers = {"Host": "127.0.0.1:8001", "Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}
    assert is_foreign_origin(headers, origins=frozenset())


def test_following_a_link_is_not_foreign() -> None:
    headers = {"Host": "127.0.0.1:8001", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert not is_foreign_origin(headers, origins=frozenset())


@given(st.text(max_size=40))
def test_no_host_or_origin_however_odd_is_an_error(text: str) -> None:
    is_own_host(text, port=8001, names=HERE, listed=frozenset())
    is_foreign_origin({"Origin": text, "Host": text}, origins=frozenset())
