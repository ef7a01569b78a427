"""What signals do to a running stream manager, here without a JACK server, for which it waits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.support.ports import free_port

CONNECTING = "cannot report the sources to the analyzer"


@pytest.mark.parametrize("numbers", [(signal.SIGINT,), (signal.SIGHUP, signal.SIGTERM)], ids=["ctrl-c", "hangup"])
def test_a_signal_stops_it_in_order_and_a_hangup_does_not(numbers: tuple[signal.Signals, ...]) -> None:
    argv = [sys.executable, "-m", "stream_manager", "--port", str(free_port()), "--tidzam-socketio", "localhost:1"]
    env = {**os.environ, "JACK_DEFAULT_SERVER": "tidzam-none", "JACK_NO_START_SERVER": "1"}
    with subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as manager:
        assert manager.stderr is not None
        next(line for line in manager.stderr if CONNECTING in line)
        for number in numbers:
            manager.send_signal(number)
        rest = manager.stderr.read()
    assert (manager.returncode, "stopping" in rest, "Traceback" in rest) == (0, True, False)
