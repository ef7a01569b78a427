"""The node's own traffic and the proxies of the environment."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.web import serve_in_thread
from tidzam.proxy import bypassing_locally, forget_proxies, open_direct, without_proxies


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"mine")

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def address() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        serve_in_thread(server)
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def test_a_proxy_in_the_environment_is_not_asked_for_the_nodes_own_addresses(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")  # nothing listens there
    monkeypatch.delenv("no_proxy", raising=False)
    with open_direct(address, timeout_s=3) as response:
        assert response.read() == b"mine"


def test_no_proxy_variable_is_left_in_either_case() -> None:
    environment = {"http_proxy": "a", "HTTPS_PROXY": "b", "All_Proxy": "c", "grpc_proxy": "d", "PATH": "/bin"}
    assert without_proxies(environment) == {"PATH": "/bin"}


def test_what_the_user_excluded_stays_excluded_beside_this_machine() -> None:
    found = bypassing_locally({"no_proxy": "intranet.example, localhost"}, ("192.0.2.7",))
    assert found["no_proxy"] == "intranet.example,localhost,127.0.0.1,::1,192.0.2.7"
    assert found["NO_PROXY"] == found["no_proxy"]


def test_a_process_can_forget_its_proxies() -> None:
    environment = {"http_proxy": "x", "HTTPS_PROXY": "y", "gRPC_proxy": "z", "PATH": "/bin", "no_proxy": "a"}
    forget_proxies(environment)
    assert environment == {"PATH": "/bin", "no_proxy": "a"}
