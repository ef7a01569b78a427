"""Addresses: what is played, and what is refused before anything opens it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stream_manager.network.address import parse_address
from tidzam.errors import RequestError

SECRET = "Sw0rdfish"


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("HTTP://h.example/x.ogg", "http://h.example/x.ogg"),
        ("HttpS://u:p@h:8000/X", "https://u:p@h:8000/X"),
        ("RTSP://h/Cam", "rtsp://h/Cam"),
        ("Icecast://h:8000/x.ogg", "http://h:8000/x.ogg"),
        ("http://[::1]:8000/x.ogg", "http://[::1]:8000/x.ogg"),
        ("http://bob:p%40ss@h/x?format=ogg#t", "http://bob:p%40ss@h/x?format=ogg#t"),
        ("http://bob:p:ss@h/x", "http://bob:p:ss@h/x"),
        ("http://h.example/@bob/x.ogg?mail=a@b", "http://h.example/@bob/x.ogg?mail=a@b"),
    ],
)
def test_a_scheme_has_no_case_and_the_rest_stays_as_it_is(text: str, url: str) -> None:
    assert parse_address(text).url == url


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("http://h/x", "h", 80),
        ("https://h/x", "h", 443),
        ("rtsp://u:p@h/x", "h", 554),
        ("http://[::1]/x", "::1", 80),
        ("icecast://[fe80::1%eth0]:8000", "fe80::1%eth0", 8000),
    ],
)
def test_the_host_and_the_port(text: str, host: str, port: int) -> None:
    address = parse_address(text)
    assert (address.host, address.port) == (host, port)


@pytest.mark.parametrize(
    "password",
    ["p@ss", "pa/ss", "pa#ss", "pa?ss", "12/ss", "pa ss", "pa\tss", "p%ss", "p%4", "@", "pa\u00a0ss", "a\\b/c"],
)
def test_a_password_that_makes_the_host_ambiguous_is_refused_with_the_remedy(password: str) -> None:
    with pytest.raises(RequestError, match="Percent-encode") as caught:
        parse_address(f"http://bob:{password}{SECRET}@host/x.ogg")
    assert SECRET not in str(caught.value)


@given(st.text(max_size=10), st.text(max_size=10))
@example("\ud800", "")
def test_a_password_is_refused_or_does_not_change_the_host(before: str, after: str) -> None:
    try:
        address = parse_address(f"http://bob:{before}{SECRET}{after}@host/x.ogg")
    except RequestError as error:
        assert SECRET not in str(error)
    else:
        assert address.host == "host"
        assert address.has_credentials


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc/passwd",
        "FILE:///x",
        "ftp://h/x",
        "lavfi://sine",
        "://h",
        "http://",
        "http:///x",
        "http://[h/x",
        "http://h:0/",
        "http://h:65536/",
        "http://h:x/",
        "http://::1:8000/x",
        "http://h\\x/",
        "http://%31%32%37.0.0.1/",
        pytest.param(f"http://h/{'a' * 5000}", id="too long"),
    ],
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_address(text)
    assert caught.value.field == "url"


@pytest.mark.parametrize("text", ["http://bob@h/x", "http://h/x?token=t", "http://h/x?t", "http://h/a=b/x"])
def test_an_address_with_potential_credentials_is_recognized(text: str) -> None:
    assert parse_address(text).has_credentials
    assert not parse_address("http://h:8000/x.ogg?format=ogg").has_credentials
