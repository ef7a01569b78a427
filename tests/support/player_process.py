"""`python -m tests.support.player_process NAME SIGNAL…`: the process of `tests.support.player`."""

from __future__ import annotations

import sys

from tests.support.bad_sounds import BAD_SOUNDS
from tests.support.frame_codes import FRAME_CODE, NOISE, RAMP, frame_code, noise, ramp, tone
from tests.support.jack_client import open_client
from tidzam.jack.writer import JackWriter
from tidzam.types import Float32


def main() -> None:
    client = open_client(sys.argv[1], use_exact_name=True)
    codes = {FRAME_CODE: frame_code, NOISE: noise, RAMP: ramp}
    signals = [codes.get(name) or BAD_SOUNDS.get(name) or tone(float(name), client.samplerate) for name in sys.argv[2:]]

    def fill(frame: int, block: Float32) -> None:
        for row, signal in zip(block, signals, strict=True):
            row[:] = signal(frame, len(row))

    with JackWriter(client, len(signals), fill) as writer:
        print("playing", flush=True)
        for _ in sys.stdin:
            print(writer.frame, flush=True)


if __name__ == "__main__":
    main()
