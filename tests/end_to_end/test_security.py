"""A running node: where its passwords are, and where they are not; and what hostile reports to its analyzer do."""

from __future__ import annotations

import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from xml.etree import ElementTree

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.hostile_messages import mutations
from tests.support.hostile_session import hostile_session
from tests.support.node import Node, running_node
from tidzam.errors import RequestError
from tidzam.protocol.analyzer import JACK_SOURCE, parse_jack_sources
from tidzam.proxy import open_direct
from tidzam.tokens import read_token

pytestmark = pytest.mark.timeout(120)

DEFAULTS = ("hackme", "admin", "icecast", "")
"""The password of the example configuration of Icecast, and other common ones."""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    yard = {"name": "yard", "demo": {"seed": 8, "duration_s": 20}}
    with running_node(tmp_path_factory.mktemp("secrets"), [yard]) as node:
        yield node


@asynccontextmanager
async def at(url: str) -> AsyncIterator[str]:
    """A server that is already running."""
    yield url


def is_report(message: Any) -> bool:
    try:
        parse_jack_sources(message)
    except RequestError:
        return False
    return True


def test_each_hostile_report_to_the_analyzer_gets_one_error(node: Node) -> None:
    report = [{"name": "yard", "starting_time": "2026-05-01-06-30-00", "rate_hz": 44100}]
    with hostile_session(lambda: at(node.url("analyzer"))) as session:

        @settings(max_examples=100)
        @given(mutations([report]), st.booleans())
        def send(message: Any, acknowledged: bool) -> None:
            if not is_report(message):
                session.expect_one_error(JACK_SOURCE, message, acknowledged=acknowledged)

        send()
    assert node.health("analyzer")["ok"]


def secrets(node: Node) -> list[str]:
    """The passwords and the token of the node."""
    config = ElementTree.parse(node.home / "icecast.xml")
    named = ("source-password", "relay-password", "admin-password")
    passwords = [config.findtext(f"authentication/{name}", "") for name in named]
    token = read_token(node.home / "token")
    assert token
    assert all(len(password) > 16 for password in passwords)
    return [*passwords, token]


def test_no_command_line_shows_a_password(node: Node) -> None:
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    own = [line for line in lines if str(node.home) in line or node.server in line or "yard" in line]
    assert any("mpv" in line for line in own)
    assert any("icecast" in line for line in own)
    assert [line for line in lines if any(secret in line for secret in secrets(node))] == []


def test_no_log_and_no_status_shows_a_password(node: Node) -> None:
    texts = {path.name: path.read_text(errors="replace") for path in (node.home / "logs").iterdir()}
    texts |= {"status": str(node.status()), "health": str(node.health("stream_manager"))}
    assert [name for name, text in texts.items() if any(secret in text for secret in secrets(node))] == []


def test_files_with_passwords_are_readable_by_their_owner_alone(node: Node) -> None:
    holders = [
        path
        for path in node.home.rglob("*")
        if path.is_file() and any(secret.encode() in path.read_bytes() for secret in secrets(node))
    ]
    assert {"icecast.xml", "token"} <= {path.name for path in holders}
    assert [path.name for path in holders if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize("password", DEFAULTS)
@pytest.mark.parametrize(
    ("user", "path"), [("admin", "/admin/stats"), ("admin", "/admin/killsource?mount=/yard-out_0.ogg")]
)
def test_the_admin_page_of_icecast_has_no_default_password(node: Node, user: str, path: str, password: str) -> None:
    login = b64encode(f"{user}:{password}".encode()).decode()
    request = urllib.request.Request(f"{node.url('icecast')}{path}", headers={"Authorization": f"Basic {login}"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        open_direct(request, timeout_s=5)
    assert caught.value.code == 401
