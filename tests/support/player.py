"""A JACK client that plays known samples, in a separate process.

libjack keeps one server per process in mind and is not to be trusted once that server has gone, so a test's
interpreter, which sees many servers, never opens a client itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.jack import JackServer


class Player:
    """A client that plays."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def frame(self) -> int:
        """The first frame of the period that it played last."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("frame?\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def playing(server: JackServer, name: str, *signals: float | str) -> Iterator[Player]:
    """A client with one port `out_N` for each of `signals`: the frequency of a tone in Hz, FRAME_CODE, NOISE, RAMP, or
    a name in BAD_SOUNDS."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.player_process", name, *map(str, signals)],
        env={**os.environ, **server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "playing\n"
    try:
        yield Player(process)
    finally:
        process.communicate()  # closes its standard input, and it ends
