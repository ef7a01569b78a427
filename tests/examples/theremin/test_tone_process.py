"""The process that sounds, on a real JACK server."""

from __future__ import annotations

import os
import signal
import subprocess

import pytest

from examples.theremin.hand_memory import HandMemory
from examples.theremin.notes import DEFAULT_RANGE
from examples.theremin.tone import MESSAGES, PORT, ToneOptions, ToneReady, tone_argv
from tests.support.jack import jack_server

pytestmark = pytest.mark.timeout(60)


def test_it_ends_at_term_while_it_waits_for_the_server() -> None:
    """It tries to connect ports that do not exist, so that nearly always it waits for an answer of the server."""
    _, fd = HandMemory.create()
    missing = tuple((PORT, f"nobody:in_{number}") for number in range(200))
    argv = tone_argv(ToneOptions(memory_fd=fd, range=DEFAULT_RANGE, connections=missing))
    with (
        jack_server(rate_hz=48000, period=256, port_max=64) as server,
        subprocess.Popen(
            argv, env={**os.environ, **server.env}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[fd]
        ) as tone,
    ):
        os.close(fd)
        assert tone.stdout is not None
        assert isinstance(MESSAGES.decode(tone.stdout.readline()), ToneReady)
        os.kill(server.pid, signal.SIGSTOP)
        tone.terminate()
        os.kill(server.pid, signal.SIGCONT)
        try:
            assert tone.wait(20) == 0, tone.communicate()
        finally:
            tone.kill()
