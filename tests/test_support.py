"""The tests' own tools: that a run which fails, hangs or is killed leaves no JACK server and no process behind."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.eventually import eventually

ROOT = Path(__file__).parents[1]
REGISTRY = Path("/dev/shm/jack-shm-registry")

BROKEN_TESTS = """
import os, subprocess, sys, time
import pytest
from tests.support.jack import JackServer, JackSettings, jack_server

pytestmark = pytest.mark.jack

def started(server):
    print(f"<{server.name} {server.pid}>", flush=True)

@pytest.fixture
def server():
    with jack_server() as running:
        started(running)
        yield running

@pytest.fixture
def fails_in_its_set_up(server):
    raise RuntimeError

def test_failed(server):
    assert False

def test_failed_in_set_up(fails_in_its_set_up):
    pass

def test_interrupted(server):
    raise KeyboardInterrupt

def test_killed_its_server(server):
    server.kill()
    assert False

def test_stopped_its_server(server):
    os.kill(server.pid, 19)
    assert False

@pytest.mark.timeout(2, method="signal")
def test_timed_out_by_signal(server):
    time.sleep(60)

@pytest.mark.timeout(2, method="thread")
def test_timed_out_by_thread(server):
    time.sleep(60)

def test_forgot():
    server = JackServer(JackSettings(server=f"t{os.getpid()}f"))
    server.start()
    started(server)
    os.kill(server.pid, 19)

def test_killed(server):
    daemon = subprocess.Popen(["sleep", "300"], start_new_session=True)
    print(f"<daemon {daemon.pid}>", flush=True)
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """Tests that end badly, in a run of their own."""
    path = tmp_path / "test_broken.py"
    path.write_text(BROKEN_TESTS)
    (tmp_path / "conftest.py").write_text("from tests.conftest import *\n")
    return path


@pytest.mark.parametrize(
    "names",
    [
        ("failed", "failed_in_set_up", "killed_its_server", "stopped_its_server", "timed_out_by_signal", "forgot"),
        ("interrupted",),
        ("timed_out_by_thread",),
        ("killed",),
    ],
    ids=" ".join,
)
def test_tests_that_end_badly_leave_no_jack_server_and_no_daemon(broken: Path, names: tuple[str, ...]) -> None:
    argv = [sys.executable, "-m", "pytest", "-s", "-p", "no:cacheprovider", *(f"{broken}::test_{n}" for n in names)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=broken.parent, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    started = re.findall(r"<(\S+) (\d+)>", done.stdout)
    assert len(started) >= len(names), done.stdout
    for name, pid in started:
        eventually(lambda pid=pid: not psutil.pid_exists(int(pid)), within_s=20, what=f"{name} ended")  # type: ignore[misc]
    left = [name for name, _ in started if f":{name}:".encode() in REGISTRY.read_bytes()]
    left += [path.name for name, _ in started for path in Path("/dev/shm").glob(f"*{name}*")]
    assert left == []
