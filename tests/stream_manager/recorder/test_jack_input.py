"""The JACK client of a recorder leaves its server before its process ends, and does not wait for one that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.jack import JackServer, jack_server, open_ports

pytestmark = pytest.mark.timeout(60)

RECORDER = """
import os, sys
from stream_manager.recorder.__main__ import JackInput
client = JackInput("pond-rec", 2)
print("open", flush=True)
sys.stdin.readline()
client.close(float(sys.argv[1]))
print("closed", flush=True)
sys.stdin.readline()
os._exit(0)
"""


@pytest.fixture(scope="module")
def jack() -> Iterator[JackServer]:
    with jack_server() as server:
        yield server


@contextmanager
def jack_input(server: JackServer, *, close_timeout_s: float) -> Iterator[subprocess.Popen[str]]:
    """A process with such a client, which it closes when a line is written to it."""
    argv = [sys.executable, "-c", RECORDER, str(close_timeout_s)]
    env = {**os.environ, **server.env}
    with subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert answer(process) == "open"
        try:
            yield process
        finally:
            process.kill()


def answer(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def close(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_a_client_that_is_closed_has_no_ports_although_its_process_still_runs(jack: JackServer) -> None:
    with jack_input(jack, close_timeout_s=20.0) as process:
        assert len(open_ports(jack, "pond-rec")) == 2
        close(process)
        assert answer(process) == "closed"
        assert open_ports(jack, "pond-rec") == []


def test_a_server_that_hangs_does_not_keep_a_client_that_leaves(jack: JackServer) -> None:
    with jack_input(jack, close_timeout_s=0.5) as process:
        os.kill(jack.pid, signal.SIGSTOP)
        try:
            close(process)
            assert answer(process) == "closed"
        finally:
            os.kill(jack.pid, signal.SIGCONT)
