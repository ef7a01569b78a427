"""JACK clients that play known samples: in this process, or tones in a process of their own.

libjack keeps one server per process in mind: where a server dies or two run side by side, use `tones`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import jack
import numpy as np

from tests.support.jack import JackServer, open_client
from tidzam.audio.features import Float32

Sound = Callable[[int, int], Float32]
"""From a frame of the JACK clock and a length to the samples there."""

CODE_RANGE = 1 << 22  # whole numbers that a float32 still tells apart, even with a channel number added


def frame_code(frame: int, length: int) -> Float32:
    """Samples that tell which frame they were played at."""
    return np.asarray((frame + np.arange(length)) % CODE_RANGE, np.float32)


def tone(frequency_hz: float, rate_hz: int, *, amplitude: float = 0.5) -> Sound:
    """A sine whose phase hangs on the frame clock."""

    def sound(frame: int, length: int) -> Float32:
        phase = (frame + np.arange(length)) * (2 * np.pi * frequency_hz / rate_hz)
        return np.asarray(amplitude * np.sin(phase), np.float32)

    return sound


@contextmanager
def playing(server: JackServer, name: str, sounds: list[Sound]) -> Iterator[jack.Client]:
    """A client with one port `out_N` for each of `sounds`."""
    client = server.client(name)
    play(client, sounds)
    try:
        yield client
    finally:
        client.close()


def play(client: jack.Client, sounds: list[Sound]) -> None:
    ports = [client.outports.register(f"out_{number}") for number in range(len(sounds))]

    def process(frames: int) -> None:
        start = client.last_frame_time
        for port, sound in zip(ports, sounds, strict=True):
            port.get_array()[:] = sound(start, frames)

    client.set_process_callback(process)
    client.activate()


@contextmanager
def tones(server: JackServer, name: str, *frequencies_hz: int) -> Iterator[int]:
    """A client in a process of its own, whose pid this gives, with one port `out_N` for each tone."""
    player = subprocess.Popen(
        [sys.executable, "-m", "tests.support.player", name, *map(str, frequencies_hz)],
        env={**os.environ, **server.env},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert player.stdout is not None
    assert player.stdout.readline() == b"playing\n"
    try:
        yield player.pid
    finally:
        player.communicate()  # closes its standard input, and it ends


def main() -> None:
    client = open_client(sys.argv[1], use_exact_name=True)
    play(client, [tone(float(frequency_hz), client.samplerate) for frequency_hz in sys.argv[2:]])
    print("playing", flush=True)
    sys.stdin.read()
    client.close()


if __name__ == "__main__":
    main()
