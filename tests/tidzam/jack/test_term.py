"""SIGTERM while a program opens its client, on a real JACK server that answers late."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.support.eventually import eventually
from tests.support.jack import jack_server
from tidzam.jack.feeder_client import feeder_argv
from tidzam.jack.feeder_protocol import Pacing
from tidzam.jack.live_protocol import LivePortOptions

pytestmark = pytest.mark.timeout(60)

PROGRAMS = (
    feeder_argv("pond", 1, pacing=Pacing.PULL),
    LivePortOptions("live", 2, delay_s=0.5, buffer_s=2.0).argv(),
    [sys.executable, "-P", "-m", "tidzam.jack.port_copy", "--client=copy", "nobody:out_0"],
)


def defers_term(pid: int) -> bool:
    """Whether the main thread of a process blocks SIGTERM, but not SIGINT: all are blocked while it starts a thread or
    a process."""
    (blocked,) = [line.split()[1] for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "SigBlk" in line]
    return [bool(int(blocked, 16) >> (number - 1) & 1) for number in (signal.SIGTERM, signal.SIGINT)] == [True, False]


def test_it_has_its_effect_once_the_client_is_open() -> None:
    with jack_server() as server:
        for argv in PROGRAMS:
            os.kill(server.pid, signal.SIGSTOP)
            with subprocess.Popen(argv, env={**os.environ, **server.env}, stdin=subprocess.PIPE) as program:
                try:
                    eventually(partial(defers_term, program.pid), what="it opens its client")
                    program.terminate()
                    os.kill(server.pid, signal.SIGCONT)
                    assert program.wait(20) == 0, argv
                finally:
                    os.kill(server.pid, signal.SIGCONT)
                    program.kill()
