"""The limits that the stream manager computes with, against a real JACK server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from subprocess import PIPE

import pytest

from stream_manager.jack.capacity import JACKD_CLIENTS, server_resources
from tests.support.eventually import eventually
from tests.support.jack import JackServer, jack_server
from tidzam.jack.cycle_check import JackProbe

pytestmark = [pytest.mark.timeout(60), pytest.mark.jack]

COUNT_PORTS = """
import jack
jack.set_error_function(lambda message: None)
client = jack.Client("counts", no_start_server=True)
client.activate()
before = len(client.get_ports())
own = 0
try:
    while True:
        client.inports.register(f"in_{own}")
        own += 1
except jack.JackError:
    print(before + own)
"""


def ports_of(server: JackServer) -> int:
    """How many ports exist when the server has no more to give."""
    argv = [sys.executable, "-c", COUNT_PORTS]
    return int(subprocess.run(argv, env=server.env, capture_output=True, text=True, timeout=30, check=True).stdout)


FILL = """
import sys, jack
jack.set_error_function(lambda message: None)
clients = []
try:
    while True:
        clients.append(jack.Client(f"fills-{len(clients)}", no_start_server=True))
except jack.JackOpenError:
    print(len(clients), flush=True)
sys.stdin.read()
"""


@contextmanager
def full(server: JackServer) -> Iterator[int]:
    """While open, the server has no room for another client. Yields how many it had room for."""
    argv = [sys.executable, "-c", FILL]
    with subprocess.Popen(argv, env={**os.environ, **server.env}, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.kill()


def test_a_full_server_answers_a_probe_and_has_as_many_clients_as_is_computed() -> None:
    with jack_server() as server, full(server) as count:
        probe = JackProbe(server.name)
        eventually(lambda: probe.ended)
    assert probe.was_refused
    system_and_freewheel = 2
    assert count + system_and_freewheel == JACKD_CLIENTS


@pytest.mark.parametrize("port_max", [32, 100])
def test_a_server_gives_as_many_ports_as_is_computed(port_max: int) -> None:
    with jack_server(port_max=port_max) as server:
        assert ports_of(server) == server_resources(port_max).ports
