"""What systemd learns of a node: datagrams to a real socket, and the unit of the documentation."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tidzam.node.foreground import ailing
from tidzam.node.service_manager import ServiceManager
from tidzam.node.supervisor import ProgramState

ROOT = Path(__file__).parents[3]


@pytest.fixture(params=["path", "abstract"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "notify") if request.param == "path" else f"@tidzam-test-{os.getpid()}"


@pytest.fixture
def receiver(address: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as made:
        made.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)
        made.settimeout(10)
        yield made


def test_a_service_manager_receives_each_state(address: str, receiver: socket.socket) -> None:
    manager = ServiceManager.take({"NOTIFY_SOCKET": address})
    manager.ready("up")
    manager.alive("well")
    manager.faulty("ill")
    manager.stopping()
    received = [receiver.recv(4096).decode() for _ in range(4)]
    assert received == ["READY=1\nSTATUS=up", "WATCHDOG=1\nSTATUS=well", "STATUS=ill", "STOPPING=1"]


def test_what_it_is_called_is_kept_from_child_processes() -> None:
    env = {"NOTIFY_SOCKET": "/run/x", "WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid()), "HOME": "/"}
    manager = ServiceManager.take(env)
    assert (manager.watchdog_s, env) == (3.0, {"HOME": "/"})


def test_a_program_in_its_place_finds_it_again() -> None:
    env: dict[str, str] = {}
    manager = ServiceManager("/run/x", 3.0)
    manager.export(env)
    assert ServiceManager.take(env) == manager


def test_a_watchdog_of_another_process_is_not_answered() -> None:
    assert ServiceManager.take({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}).watchdog_s is None


def test_without_a_service_manager_nothing_is_sent() -> None:
    ServiceManager.take({}).ready("up")


def test_a_program_that_is_down_or_without_a_heartbeat_is_ailing() -> None:
    states = {"recorder": "RUNNING", "inference": "BACKOFF", "watchdog": "RUNNING", "other": "RUNNING"}
    programs = [ProgramState(name, state, 1, 10.0) for name, state in states.items()]
    assert ailing(programs, {"recorder": 1.0, "watchdog": 100.0}) == ["inference", "watchdog"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd")
def test_systemd_accepts_the_unit_of_the_documentation(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "edge.md").read_text(encoding="utf-8")
    found = re.search(r"```ini\n(.*?)```", page, re.DOTALL)
    assert found is not None
    unit = tmp_path / "tidzam.service"
    unit.write_text(found[1].replace("/opt/tidzam", str(ROOT)).replace("User=tidzam\n", ""), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    complaints = [line for line in done.stderr.splitlines() if "tidzam" in line]
    assert not complaints
