"""A stream manager and an Icecast on IPv6, with sources from an address that has a password."""

from __future__ import annotations

import base64
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import socketio

from tests.support.icecast import PASSWORD
from tests.support.manager import Manager, command_line, stream_manager
from tests.support.sound import write_tones
from tests.support.web import serve_in_thread
from tidzam.tokens import TOKEN_ENV

pytestmark = pytest.mark.timeout(90)

SECRET = "Sw0rdfish"
LONGEST = "a" * 59
TOKEN = "a-token-of-a-test-0123456789"
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:1")
"""A proxy that does not run: addresses on this machine are reached without it."""


class Locked(SimpleHTTPRequestHandler):
    """Serves clients that send the password, in the user info or as a token."""

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        login = "Basic " + base64.b64encode(f"bob:{SECRET}".encode()).decode()
        if self.headers.get("Authorization") == login or self.path.endswith(f"token={SECRET}"):
            super().do_GET()
        else:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="pond"')
            self.send_header("Content-Length", "0")
            self.end_headers()


class Server6(ThreadingHTTPServer):
    address_family = socket.AF_INET6


@dataclass
class Seen:
    """The manager, and every command line that a child of it had while its sources began to play."""

    manager: Manager
    command_lines: set[str]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    folder = tmp_path_factory.mktemp("addresses")
    write_tones(folder / "pond.ogg", 1, seconds=2)
    with Server6(("::1", 0), partial(Locked, directory=folder)) as web:
        serve_in_thread(web)
        host = f"[::1]:{web.server_port}"
        sources: list[dict[str, Any]] = [
            {"name": LONGEST, "url": f"HTTP://bob:{SECRET}@{host}/pond.ogg", "loop": True},
            {"name": "token", "url": f"http://{host}/pond.ogg?token={SECRET}", "loop": True},
            {"name": "again", "url": f"http://bob:{SECRET}@{host}/pond.ogg"},
            {"name": "closed", "url": f"http://bob:{SECRET}@[::1]:1/pond.ogg?key={SECRET}"},
            {"name": "locked", "url": f"http://bob:not{SECRET}@{host}/pond.ogg"},
            {"name": "refused", "url": f"http://bob:pa/{SECRET}@host/pond.ogg"},
        ]
        with stream_manager(
            folder, sources, host="::1", env={**PROXIES, TOKEN_ENV: TOKEN}, allow_private_addresses=False
        ) as running:
            lines: set[str] = set()

            def play() -> bool:
                lines.update(" ".join(command_line(child)) for child in running.children())
                return all(plays(running, name) for name in (LONGEST, "token"))

            running.until(play, within_s=20)
            yield Seen(running, lines)
        web.shutdown()


@pytest.fixture
def manager(seen: Seen) -> Manager:
    return seen.manager


def plays(manager: Manager, name: str) -> bool:
    return manager.source(name).get("state") == "playing" and manager.source(name)["bytes"] > 0


def test_servers_on_ipv6_serve_a_source_with_the_longest_name_and_an_upper_case_scheme(manager: Manager) -> None:
    status = manager.source(LONGEST)
    assert status["mounts"] == [f"http://[::1]:{manager.icecast.settings.port}/{LONGEST}-out_0.ogg"]
    argv = ["ffmpeg", "-v", "error", "-t", "0.5", "-i", status["mounts"][0], "-f", "null", "-"]
    assert subprocess.run(argv, timeout=20, check=False).returncode == 0


def test_no_log_line_and_no_status_shows_a_password(manager: Manager) -> None:
    manager.until(lambda: bool(manager.source("closed").get("last_error")), within_s=20)
    everything = manager.log + str(manager.health())
    assert "refused" in str(manager.health()["reasons"])
    assert SECRET not in everything
    assert PASSWORD not in everything


def test_no_command_line_of_a_child_shows_a_password(seen: Seen) -> None:
    for program in ("ffprobe", "mpv", "ffmpeg"):
        assert any(program in line for line in seen.command_lines)
    assert not [line for line in seen.command_lines if SECRET in line or PASSWORD in line]


def test_a_file_that_requires_a_password_has_an_end(manager: Manager) -> None:
    manager.until(lambda: manager.source("again")["restarts"] > 0, within_s=20)
    assert manager.source("again")["last_error"] is None


@pytest.mark.parametrize(("name", "reason"), [("closed", "Connection refused"), ("locked", "401")])
def test_the_reason_why_an_address_with_a_password_cannot_be_played_is_reported(
    manager: Manager, name: str, reason: str
) -> None:
    manager.until(lambda: bool(manager.source(name).get("last_error")), within_s=20)
    assert reason in manager.source(name)["last_error"]


@asynccontextmanager
async def client(manager: Manager, token: str | None) -> AsyncIterator[socketio.AsyncClient]:
    io = socketio.AsyncClient(reconnection=False)
    await io.connect(manager.url, auth={"token": token} if token else None)
    try:
        yield io
    finally:
        await io.disconnect()


async def load(io: socketio.AsyncClient, name: str, url: str) -> dict[str, Any]:
    return await io.call("sys", {"sys": {"loadsource": {"name": name, "url": url}}}, timeout=40)  # type: ignore[no-any-return]


async def test_a_client_without_the_token_learns_nothing_about_ports_on_this_machine(manager: Manager) -> None:
    urls = [
        "http://[::1]:1/x",
        f"{manager.url}/healthz",
        f"{manager.url}/none",
        "http://169.254.169.254/",
        "http://10.0.0.1",
    ]
    async with client(manager, None) as io:
        answers = [(await load(io, "spy", url))["error"] for url in urls]
        assert {answer["code"] for answer in answers} == {"address_not_allowed"}
        assert len({answer["message"] for answer in answers}) == 1
        assert (await load(io, "mount", manager.source(LONGEST)["mounts"][0]))["ok"]


async def test_a_client_with_the_token_may_load_an_address_on_this_machine(
    manager: Manager,
) -> None:
    async with client(manager, TOKEN) as io:
        assert (await load(io, "spy", "http://[::1]:1/x"))["error"]["code"] == "source_unreachable"
        assert (await load(io, "spy", f"{manager.url}/metrics"))["error"]["code"] == "source_not_audio"


async def test_a_link_local_address_is_refused_even_with_the_token(manager: Manager) -> None:
    async with client(manager, TOKEN) as io:
        for url in ("http://169.254.169.254/latest", "http://[fe80::1]/x"):
            assert (await load(io, "spy", url))["error"]["code"] == "address_not_allowed"
