"""Addresses as players open them by way of the guard proxy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.network.address import parse_address
from stream_manager.network.guarded_url import guarded_url, is_guarded, true_target, without_marks

URLS = [
    ("https://station.example/a/b?c=d", "http://tidzam-https--station.example:443/a/b?c=d"),
    ("http://station.example:8000/x", "http://tidzam-http--station.example:8000/x"),
    ("HTTPS://bob:word@10.0.0.1", "http://bob:word@tidzam-https--10.0.0.1:443"),
    ("http://[2001:db8::1]/x", "http://tidzam-http--v6-2001_db8__1:80/x"),
]


@pytest.mark.parametrize(("url", "guarded"), URLS)
def test_the_scheme_moves_into_the_name_of_the_host(url: str, guarded: str) -> None:
    assert guarded_url(url) == guarded
    assert is_guarded(guarded)
    assert not is_guarded(url)


@pytest.mark.parametrize(("url", "guarded"), URLS)
def test_the_proxy_finds_the_true_target(url: str, guarded: str) -> None:
    found, expected = true_target(parse_address(guarded)), parse_address(url)
    assert (found.scheme, found.host, found.port) == (expected.scheme, expected.host, expected.port)


def test_other_addresses_stay_as_they_are() -> None:
    assert guarded_url("rtsp://station.example/x") == "rtsp://station.example/x"
    target = parse_address("http://station.example/x")
    assert true_target(target) is target


def test_messages_show_the_true_address() -> None:
    assert without_marks("cannot open http://tidzam-https--a.example:443/x") == "cannot open https://a.example:443/x"


@given(
    st.from_regex(
        r"(https?)://([a-z]{1,9}:[a-z]{1,9}@)?[a-z]{1,9}\.example(:[1-9]\d{0,3})?(/[a-z]{0,5})?", fullmatch=True
    )
)
def test_marking_is_reversible(url: str) -> None:
    guarded = parse_address(guarded_url(url))
    expected = parse_address(url)
    found = true_target(guarded)
    assert (found.scheme, found.host, found.port) == (expected.scheme, expected.host, expected.port)
    assert guarded_url(guarded.url) == guarded.url
