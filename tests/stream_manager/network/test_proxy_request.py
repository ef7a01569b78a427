"""What the guard proxy passes on of a request, and to whom."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream_manager.network.proxy_request import basic_authorization, parse_proxy_request
from tidzam.errors import RequestError

GET = (
    b"GET http://radio.example:8000/pond.ogg?a=b HTTP/1.1\r\nUser-Agent: Lavf\r\nHost: other.example\r\n"
    b"Proxy-Authorization: Basic dGlkemFtOnNlY3JldA==\r\nConnection: keep-alive\r\n\r\n"
)


def test_the_target_is_that_of_the_request_line_and_gets_the_path_alone() -> None:
    request = parse_proxy_request(GET)
    assert (request.target.host, request.target.port) == ("radio.example", 8000)
    assert request.for_target().startswith(b"GET /pond.ogg?a=b HTTP/1.1\r\n")


def test_the_password_is_read_and_passed_to_nobody() -> None:
    request = parse_proxy_request(GET)
    assert request.password == "secret"
    assert b"uthorization" not in request.for_target() + request.for_proxy()


def test_a_connection_serves_one_request() -> None:
    passed = parse_proxy_request(GET).for_target()
    assert b"Connection: close" in passed
    assert b"keep-alive" not in passed


def test_another_proxy_gets_the_whole_address_and_its_own_password() -> None:
    passed = parse_proxy_request(GET).for_proxy(basic_authorization("bob", "word"))
    assert passed.startswith(b"GET http://radio.example:8000/pond.ogg?a=b HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic Ym9iOndvcmQ=\r\n" in passed


def test_a_tunnel_sends_nothing_of_the_proxys_own_to_the_target() -> None:
    request = parse_proxy_request(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n")
    assert (request.is_tunnel, request.target.host, request.target.port) == (True, "2001:db8::1", 443)
    assert request.for_target() == b""
    assert request.for_proxy().startswith(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "line",
    [
        b"GET /pond.ogg HTTP/1.1",
        b"GET ftp://h/x HTTP/1.1",
        b"GET http://user:word@h/x HTTP/1.1",
        b"CONNECT user@h:443 HTTP/1.1",
        b"CONNECT h:99999 HTTP/1.1",
        b"GET  http://h/ HTTP/1.1",
        b"get http://h/ HTTP/1.1",
        b"GET http://h/ HTTP/1.1 ",
        b"",
    ],
)
def test_other_requests_are_refused(line: bytes) -> None:
    with pytest.raises(RequestError):
        parse_proxy_request(line + b"\r\n\r\n")


@given(st.binary(max_size=200))
def test_any_request_is_parsed_or_refused(content: bytes) -> None:
    for prefix in (b"", b"GET http://", b"CONNECT ", GET[:-4]):
        with suppress(RequestError):
            request = parse_proxy_request(prefix + content)
            assert b"\r\n\r\n" not in request.for_target()[:-4]
