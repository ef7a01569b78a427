"""A JACK client that plays known samples, in a separate process.

libjack keeps one server per process in mind and is not to be trusted once that server has gone, so a test's
interpreter, which sees many servers, never opens a client itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tests.support.jack import JackServer, open_client
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32

Signal = Callable[[int, int], Float32]
"""From a frame of the JACK clock and a length to the samples there."""

CODE_RANGE = 1 << 22  # a float32 represents whole numbers below this exactly, with a channel number added as well
FRAME_CODE = "code"
"""In place of a tone's frequency: `frame_code`."""
RAMP = "ramp"
"""In place of a tone's frequency: `ramp`."""
RAMP_STEPS = 1 << 15


def frame_code(frame: int, length: int) -> Float32:
    """Samples that encode the number of their frame."""
    return np.asarray((frame + np.arange(length)) % CODE_RANGE, np.float32)


def ramp(frame: int, length: int) -> Float32:
    """Samples that encode the number of their frame, modulo RAMP_STEPS, exactly in 16 bits: from 0 to below 1."""
    return np.asarray((frame + np.arange(length)) % RAMP_STEPS / RAMP_STEPS, np.float32)


def tone(frequency_hz: float, rate_hz: int, *, amplitude: float = 0.5) -> Signal:
    """A sine whose phase follows the frame clock."""

    def signal(frame: int, length: int) -> Float32:
        phase = (frame + np.arange(length)) * (2 * np.pi * frequency_hz / rate_hz)
        return np.asarray(amplitude * np.sin(phase), np.float32)

    return signal


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
    """A client with one port `out_N` for each of `signals`: the frequency of a tone in Hz, FRAME_CODE, or RAMP."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.player", name, *map(str, signals)],
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


def main() -> None:
    client = open_client(sys.argv[1], use_exact_name=True)
    codes = {FRAME_CODE: frame_code, RAMP: ramp}
    signals = [codes.get(name) or tone(float(name), client.samplerate) for name in sys.argv[2:]]

    def fill(frame: int, block: Float32) -> None:
        for row, signal in zip(block, signals, strict=True):
            row[:] = signal(frame, len(row))

    with JackWriter(client, len(signals), fill) as writer:
        print("playing", flush=True)
        for _ in sys.stdin:
            print(writer.frame, flush=True)


if __name__ == "__main__":
    main()
