"""`python -m benchmarks.feeder --channels N`: plays synthetic audio on N JACK ports until its standard input ends.

It is a separate process so that it shares no interpreter with the program that is measured. It runs at high priority:
if it were late for a cycle, that cycle would be lost for every capturing client, and the loss be measured.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from functools import lru_cache

import jack
import numpy as np

from tidzam.jack.priority import run_first
from tidzam.jack.writer import Fill, JackWriter
from tidzam.types import Float32

CLIENT_NAME = "feeder"
CODE_RANGE = 1 << 22
"""Frame codes are whole numbers below this, which float32 holds exactly."""

_LOOP_S = 8
_AMPLITUDE = 0.2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.feeder")
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--clients", type=int, default=1, help="JACK clients that the channels are divided among")
    parser.add_argument("--code", action="store_true", help="play samples that encode their frame number")
    options = parser.parse_args()
    with ExitStack() as stack:
        for number, channels in enumerate(shares(options.channels, options.clients)):
            client = jack.Client(f"{CLIENT_NAME}{number or ''}", no_start_server=True)
            fill = frame_codes(client.blocksize) if options.code else soundscape(client, channels)
            stack.enter_context(JackWriter(client, channels, fill))
        run_first()
        print("playing", flush=True)
        sys.stdin.read()
    return 0


def shares(total: int, parts: int) -> list[int]:
    """`total` divided into `parts` that differ by one at most.

    >>> shares(10, 4)
    [3, 3, 2, 2]
    """
    return [total // parts + (part < total % parts) for part in range(parts)]


def frame_codes(block_frames: int) -> Fill:
    """Every sample is the number of its frame, on all channels."""
    ramp = np.arange(block_frames)

    def fill(frame: int, block: Float32) -> None:
        block[:] = frame_code(frame + ramp)

    return fill


def frame_code(frames: np.ndarray) -> Float32:
    """The sample at each of `frames`."""
    return (frames % CODE_RANGE).astype(np.float32)


def soundscape(client: jack.Client, channels: int) -> Fill:
    """Audio in a loop; each channel starts at another position in it."""
    blocks = synthetic_blocks(client.samplerate, client.blocksize)
    offsets = np.arange(channels) * len(blocks) // channels
    block_frames = client.blocksize

    def fill(frame: int, block: Float32) -> None:
        block[:] = blocks[(frame // block_frames + offsets) % len(blocks)]

    return fill


@lru_cache(maxsize=1)
def synthetic_blocks(rate_hz: int, block_frames: int) -> Float32:
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
