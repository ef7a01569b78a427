"""The program of docs/extending.md, added to a node by an installed package: it is run like the others."""

from __future__ import annotations

import json
import os
import re
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually
from tests.support.node import Node, running_node
from tests.support.packages import write_package
from tests.support.ports import free_port

DOCUMENT = Path(__file__).parents[2] / "docs" / "extending.md"
GROUP = "tidzam.programs"
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[Node]:
    packages = tmp_path_factory.mktemp("packages")
    found = re.search(r"```python\n(# greeter\.py\n.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    write_package(packages, "greeter", found[1], GROUP, "greeter = greeter:PROGRAM")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(packages))
        patch.setenv("GREETER_PORT", str(port))
        with running_node(tmp_path_factory.mktemp("greeted"), [], check={"hung_after_s": 5}) as node:
            yield node


def test_start_shows_its_address(node: Node, port: int) -> None:
    assert f"Greetings: http://127.0.0.1:{port}" in node.started.stdout


def test_it_serves(node: Node, port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/greet/Ann", timeout=5) as answer:
        assert json.load(answer) == {"greeting": "Hello, Ann!"}


def test_status_shows_it_and_its_address(node: Node, port: int) -> None:
    status = json.loads(node.run("status", "--json").stdout)  # its package is not on this process's path
    assert "greeter" in [row["name"] for row in status["processes"] if row["state"] == "RUNNING"]
    assert status["urls"]["greeter"] == f"http://127.0.0.1:{port}"


def test_check_reports_its_health(node: Node) -> None:
    hoarse = node.home / "hoarse"
    hoarse.touch()
    try:
        checked = node.run("check")
    finally:
        hoarse.unlink()
    assert (checked.returncode, "The greeter has lost its voice." in checked.stdout) == (2, True)


def test_the_watchdog_replaces_it_when_it_hangs(node: Node) -> None:
    pid = node.pid("greeter")
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: not psutil.pid_exists(pid), within_s=30, what="killed")
    eventually(lambda: node.pid("greeter") not in (pid, None), within_s=30, what="replaced")
    assert node.run("check").returncode in (0, 1)


def test_a_stop_ends_it(node: Node) -> None:
    pid = node.pid("greeter")
    node.stop()
    assert not psutil.pid_exists(pid)


def test_a_start_is_refused_if_it_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_package(tmp_path, "broken", "raise RuntimeError('no voice')\n", GROUP, "broken = broken:PROGRAM")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    refused = Node(tmp_path, []).start()
    assert refused.returncode == 1
    assert "The program 'broken' (broken:PROGRAM) cannot be loaded: RuntimeError: no voice" in refused.stderr
