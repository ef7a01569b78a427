"""A JACK client that plays known samples, in a process of its own.

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
from tidzam.types import Float32

Sound = Callable[[int, int], Float32]
"""From a frame of the JACK clock and a length to the samples there."""

CODE_RANGE = 1 << 22  # whole numbers that a float32 still tells apart, even with a channel number added
FRAME_CODE = "code"
"""In place of a tone's frequency: `frame_code`."""


def frame_code(frame: int, length: int) -> Float32:
    """Samples that tell which frame they were played at."""
    return np.asarray((frame + np.arange(length)) % CODE_RANGE, np.float32)


def tone(frequency_hz: float, rate_hz: int, *, amplitude: float = 0.5) -> Sound:
    """A sine whose phase hangs on the frame clock."""

    def sound(frame: int, length: int) -> Float32:
        phase = (frame + np.arange(length)) * (2 * np.pi * frequency_hz / rate_hz)
        return np.asarray(amplitude * np.sin(phase), np.float32)

    return sound


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
def playing(server: JackServer, name: str, *sounds: float | str) -> Iterator[Player]:
    """A client with one port `out_N` for each of `sounds`: the frequency of a tone in Hz, or FRAME_CODE."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.player", name, *map(str, sounds)],
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
    sounds = [frame_code if sound == FRAME_CODE else tone(float(sound), client.samplerate) for sound in sys.argv[2:]]
    ports = [client.outports.register(f"out_{number}") for number in range(len(sounds))]
    frame = 0

    def process(frames: int) -> None:
        nonlocal frame
        frame = client.last_frame_time
        for port, sound in zip(ports, sounds, strict=True):
            port.get_array()[:] = sound(frame, frames)

    client.set_process_callback(process)
    client.activate()
    print("playing", flush=True)
    for _ in sys.stdin:
        print(frame, flush=True)
    client.close()


if __name__ == "__main__":
    main()
