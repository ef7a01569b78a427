"""A program that an installed package adds to a node by one entry: it is run like the others."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.node import Node
from tests.support.ports import free_port

GREETER = """
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Greeter(BaseHTTPRequestHandler):
    def do_GET(self):
        reasons = ["The greeter has lost its voice."] if Path("hoarse").exists() else []
        self.send_response(503 if reasons else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"ok": not reasons, "reasons": reasons, "detail": {}}).encode())

    def log_message(self, *_):
        pass

if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Greeter).serve_forever()
"""
ENTRY = """
import sys
from tidzam.config.settings import ServerSettings
from tidzam.node.programs import LifeSign, NodeProgram

ENTRY = NodeProgram(
    name="greeter",
    title="the greeter",
    argv=lambda context: (sys.executable, {program!r}, "{port}"),
    life_sign=LifeSign.HEALTH,
    server=lambda settings: ServerSettings(port={port}),
    address_title="Greetings",
)
"""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Node]:
    package = tmp_path_factory.mktemp("package")
    program = package / "greeter.py"
    program.write_text(GREETER, encoding="utf-8")
    (package / "greeter_entry.py").write_text(ENTRY.format(program=str(program), port=port), encoding="utf-8")
    metadata = package / "greeter-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: greeter\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[tidzam.programs]\ngreeter = greeter_entry:ENTRY\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(package))
        node = Node(tmp_path_factory.mktemp("greeted"), [], check={"hung_after_s": 6})
        started = node.start()
        try:
            assert started.returncode == 0, started.stderr
            assert f"Greetings: http://127.0.0.1:{port}" in started.stdout
            yield node
        finally:
            node.run("stop")


@pytest.mark.timeout(60)
def test_status_shows_it_and_its_address(node: Node, port: int) -> None:
    status = node.status()
    assert "greeter" in [row["name"] for row in status["processes"] if row["state"] == "RUNNING"]
    assert status["urls"]["greeter"] == f"http://127.0.0.1:{port}"
    assert "greeter" in node.run("status").stdout


@pytest.mark.timeout(60)
def test_check_reports_its_health(node: Node) -> None:
    hoarse = node.home / "hoarse"
    hoarse.touch()
    try:
        checked = node.run("check")
    finally:
        hoarse.unlink()
    assert (checked.returncode, "The greeter has lost its voice." in checked.stdout) == (2, True)


@pytest.mark.timeout(60)
def test_the_watchdog_replaces_it_when_it_hangs(node: Node) -> None:
    pid = node.pid("greeter")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not psutil.pid_exists(pid), within_s=30, what="killed")
    eventually(lambda: node.pid("greeter") not in (pid, None), within_s=30, what="replaced")
    assert node.run("check").returncode in (0, 1)


@pytest.mark.timeout(60)
def test_a_stop_ends_it(node: Node) -> None:
    pid = node.pid("greeter")
    node.stop()
    assert not psutil.pid_exists(pid)


@pytest.mark.timeout(60)
def test_a_start_is_refused_if_it_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = tmp_path / "broken-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[tidzam.programs]\nbroken = no_such_module:ENTRY\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    refused = Node(tmp_path, []).start()
    assert refused.returncode == 1
    assert "The program 'broken' (no_such_module:ENTRY) cannot be loaded" in refused.stderr
