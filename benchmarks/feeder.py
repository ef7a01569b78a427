"""`python -m benchmarks.feeder --channels N`: a JACK client that plays synthetic sound on N ports until its input ends.

A process of its own, so that what is measured and what feeds it share no interpreter; and one that runs first, as it is
not the feeder that is measured: a source that is late for a cycle loses it, whoever captures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import jack
import numpy as np

from analyzer.capture.priority import run_first
from tidzam.types import Float32

CLIENT_NAME = "feeder"
CODE_RANGE = 1 << 22
"""Frame codes are whole numbers below this, which float32 holds exactly."""

_LOOP_S = 8
_AMPLITUDE = 0.2

Play = Callable[[int, int], Float32]
"""From a port's number and the cycle's first frame to a block of samples."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeder")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--code", action="store_true", help="play samples that tell which frame they belong to")
    options = parser.parse_args()
    client = jack.Client(CLIENT_NAME, no_start_server=True)
    ports = [client.outports.register(f"out_{number}") for number in range(options.channels)]
    play = codes(client.blocksize) if options.code else sounds(client, options.channels)

    def process(frames: int) -> None:
        """JACK's callback: one block to each port."""
        start = client.last_frame_time
        for number, port in enumerate(ports):
            port.get_array()[:] = play(number, start)

    client.set_process_callback(process)
    with client:
        run_first()
        print("playing", flush=True)
        sys.stdin.read()
    return 0


def codes(block_frames: int) -> Play:
    """Every sample is its frame's number."""
    ramp = np.arange(block_frames)
    return lambda number, start: frame_code(start + ramp)


def frame_code(frames: np.ndarray) -> Float32:
    """What is played at each of `frames`."""
    return (frames % CODE_RANGE).astype(np.float32)


def sounds(client: jack.Client, channels: int) -> Play:
    """The sound in a loop; each port starts at another place of it."""
    blocks = sound(client.samplerate, client.blocksize)
    offsets = [number * len(blocks) // channels for number in range(channels)]
    block_frames = client.blocksize
    return lambda number, start: blocks[(start // block_frames + offsets[number]) % len(blocks)]


def sound(rate_hz: int, block_frames: int) -> Float32:
    """Eight seconds of calls, croaks, noise and hum that take turns; shape (blocks, block_frames)."""
    frames = _LOOP_S * rate_hz // block_frames * block_frames
    t = np.arange(frames) / rate_hz
    turn = (t // 2).astype(int) % 4
    warble = np.sin(2 * np.pi * 3000 * t + 80 * np.sin(2 * np.pi * 6 * t))
    croak = np.sign(np.sin(2 * np.pi * 30 * t)) * np.sin(2 * np.pi * 700 * t)
    noise = np.random.default_rng(7).standard_normal(frames) / 3
    voices = np.choose(turn, [warble, croak, noise, np.sin(2 * np.pi * 110 * t)])
    mixed: Float32 = (_AMPLITUDE * (voices + 0.02 * noise)).astype(np.float32).reshape(-1, block_frames)
    return mixed


if __name__ == "__main__":
    sys.exit(main())
