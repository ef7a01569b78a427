"""A stream manager and an Icecast on IPv6, with sources from an address that has a password."""

from __future__ import annotations

import base64
import socket
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.support.icecast import PASSWORD
from tests.support.manager import Manager, stream_manager
from tests.support.sound import write_tones

pytestmark = pytest.mark.timeout(90)

SECRET = "Sw0rdfish"
LONGEST = "a" * 59


class Locked(SimpleHTTPRequestHandler):
    """Serves who knows the password, by user info or by token."""

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


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    folder = tmp_path_factory.mktemp("addresses")
    write_tones(folder / "pond.ogg", 1, seconds=2)
    with Server6(("::1", 0), partial(Locked, directory=folder)) as web:
        threading.Thread(target=web.serve_forever, daemon=True).start()
        host = f"[::1]:{web.server_port}"
        sources = [
            {"name": LONGEST, "url": f"HTTP://bob:{SECRET}@{host}/pond.ogg", "loop": True},
            {"name": "token", "url": f"http://{host}/pond.ogg?token={SECRET}", "loop": True},
            {"name": "closed", "url": f"http://bob:{SECRET}@[::1]:1/pond.ogg?key={SECRET}"},
            {"name": "refused", "url": f"http://bob:pa/{SECRET}@host/pond.ogg"},
        ]
        with stream_manager(folder, sources, host="::1") as running:
            running.until(lambda: all(plays(running, name) for name in (LONGEST, "token")), within_s=20)
            yield running
        web.shutdown()


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
