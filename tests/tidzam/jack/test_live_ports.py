"""The process with the ports of live streams, while it opens its JACK client; jackd does not run."""

from __future__ import annotations

import subprocess
import sys

from tidzam.jack.live_protocol import LivePortOptions

TERMINATED_WHILE_OPENING = """
import os, runpy, signal, sys
import jack

def open_client(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)
    raise AssertionError("TERM was ignored")

jack.Client = open_client
runpy.run_module("tidzam.jack.live_ports", run_name="__main__", alter_sys=True)
"""


def test_it_ends_in_order_when_it_is_terminated_while_it_opens_its_client() -> None:
    options = LivePortOptions("tidzam-livestreams", 10, 0.5, 5.0)
    argv = [sys.executable, "-c", TERMINATED_WHILE_OPENING, *options.argv()[4:]]
    process = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
    assert (process.returncode, process.stderr) == (0, b"")
