"""The limits that the stream manager computes with, against a real JACK server."""

from __future__ import annotations

import subprocess
import sys

import pytest

from stream_manager.jack.capacity import server_resources
from tests.support.jack import JackServer, jack_server

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


@pytest.mark.parametrize("port_max", [32, 100])
def test_a_server_gives_as_many_ports_as_is_computed(port_max: int) -> None:
    with jack_server(port_max=port_max) as server:
        assert ports_of(server) == server_resources(port_max).ports
