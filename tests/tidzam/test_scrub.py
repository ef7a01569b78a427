"""No credential of an address is ever shown."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tidzam.errors import ConfigError, RequestError
from tidzam.log import JsonFormatter, LineFormatter
from tidzam.protocol.messages import echo, quote
from tidzam.scrub import scrub, scrub_address

SECRET = "Sw0rdfish"
PROSE = st.sampled_from(
    ["{}", "Failed to open {}.", "{}: Connection refused", "'{}' is no address", 'url="{}",', "<{}>", "({}), again"]
)
NOT_SPACE = st.characters(exclude_categories=("Z", "C"))
AROUND = st.text(NOT_SPACE, max_size=6)
IN_QUERY = st.text(NOT_SPACE.filter(lambda character: character not in "&"), max_size=6)
SCHEMES = st.sampled_from(["http", "https", "HTTP", "rtsp", "icecast", "Icecast"])
NAMES = st.sampled_from(
    [
        "password",
        "pass",
        "pwd",
        "token",
        "access_token",
        "key",
        "api_key",
        "auth",
        "sig",
        "X-Amz-Signature",
        "user",
        "s",
    ]
)


@given(PROSE, SCHEMES, AROUND, AROUND)
@example("{}", "http", "", "@")
@example("{}", "http", "pa/", "ss")
@example("{}", "http", "pa#", "ss")
@example("{}", "http", "pa?", "ss")
@example("{}", "http", "12/", "")
def test_no_password_survives_whatever_characters_it_holds(prose: str, scheme: str, before: str, after: str) -> None:
    address = f"{scheme}://bob:{before}{SECRET}{after}@host:8000/pond.ogg"
    assert SECRET not in scrub(prose.format(address))
    assert SECRET not in scrub_address(address)


@given(PROSE, SCHEMES, NAMES, IN_QUERY, IN_QUERY)
@example("{}", "http", "token", "", "?")
def test_no_value_of_a_query_survives(prose: str, scheme: str, name: str, before: str, after: str) -> None:
    address = f"{scheme}://host/pond.ogg?format=ogg&{name}={before}{SECRET}{after}&user=x"
    assert SECRET not in scrub(prose.format(address))
    assert SECRET not in scrub_address(address)


@given(st.text())
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    assert scrub(scrub(text)) == scrub(text)


@pytest.mark.parametrize(
    "text",
    [
        f"http://{SECRET}@host/pond.ogg",
        f"http:/bob:{SECRET}@host/pond.ogg",
        f"bob:{SECRET}@host/pond.ogg",
        f"/profiles/bob:{SECRET}@host/pond.ogg",
        f"http://host/pond.ogg?{SECRET}",
        f"http://host/pond.ogg#{SECRET}",
        f"http://host/pond.ogg;token={SECRET}",
        f"rtsp://host:554/user=admin&password={SECRET}&channel=1/stream=0.sdp",
        f"GET /pond.ogg?key={SECRET} HTTP/1.1",
        f"Authorization: Basic {SECRET}",
        f"{{'Authorization': 'Bearer {SECRET}'}}",
        f"password={SECRET} was given",
        f"'url' is 'http://bob:{SECRET}…, but it is too long",
        f"'url' is 'http://bob:1{SECRET}",
    ],
)
def test_credentials_in_other_places_are_hidden(text: str) -> None:
    assert SECRET not in scrub(text)


def test_an_address_with_spaces_in_its_password_is_one_address() -> None:
    assert scrub_address(f"http://bob:pa {SECRET} x@host/pond.ogg") == "http://host/pond.ogg"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("from http://user:pw@host:80/x to /tmp/a@b", "from http://host:80/x to /tmp/a@b"),
        ("http://host:8000/pond-out_0.ogg", "http://host:8000/pond-out_0.ogg"),
        ("http://[::1]:8000/pond.ogg?format=ogg&bitrate=96", "http://[::1]:8000/pond.ogg?format=ogg&bitrate=96"),
        ("'http://h/x?user=bob&token=t': refused", "'http://h/x?user=***&token=***': refused"),
        ("http://h/x?token=t: Connection refused", "http://h/x?token=***: Connection refused"),
        ("[tcp @ 0x55] Connection to tcp://127.0.0.1:1 failed", "[tcp @ 0x55] Connection to tcp://127.0.0.1:1 failed"),
        ("/sounds/day=1/a@b.wav", "/sounds/day=1/a@b.wav"),
        ("icecast is at http://127.0.0.1:8000: 3 mounts", "icecast is at http://127.0.0.1:8000: 3 mounts"),
        ("http://h/pa/ss@host/x", "http://host/x"),
        ("http://h/x?mail=a@b", "http://***"),
        ("sorted(names, key=len)", "sorted(names, key=len)"),
    ],
)
def test_the_rest_is_shown_as_it_is(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize("formatter", [LineFormatter(), JsonFormatter()], ids=["lines", "json"])
def test_no_line_of_a_log_shows_a_credential(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"http://bob:{SECRET}@host/")
    except ValueError as error:
        trace = (type(error), error, error.__traceback__)
    record = logging.LogRecord("a", logging.ERROR, "", 1, "from %s", (f"http://h/x?token={SECRET}",), trace)
    written = formatter.format(record)
    assert SECRET not in written
    assert "http://h/x?token=***" in written
    if isinstance(formatter, JsonFormatter):
        assert "ValueError" in json.loads(written)["exception"]


def test_no_error_shows_a_credential() -> None:
    error = RequestError(f"'http://bob:{SECRET}@host/' is refused.", hint=f"Not http://h/?key={SECRET}")
    assert SECRET not in f"{error} {error!r} {error.as_wire()}"
    assert SECRET not in str(ConfigError(f"a.yaml:3: found 'http://bob:{SECRET}@host/'; wrong.\nb.yaml:4: fine."))


@pytest.mark.parametrize(
    "password", [SECRET, f"12/{SECRET}", f"pa {SECRET} ss", f"{'x' * 90}{SECRET}", f"{SECRET}{'x' * 9999}"]
)
def test_no_refusal_of_a_request_shows_a_credential(password: str) -> None:
    request: dict[str, dict[str, dict[str, Any]]] = {
        "sys": {"loadsource": {"name": "a b", "url": f"http://bob:{password}@host/x?key={SECRET}"}}
    }
    request["sys"]["loadsource"]["list"] = [f"token={SECRET}"]
    assert SECRET not in str(echo(request))
    assert SECRET not in quote(request["sys"]["loadsource"]["url"])
