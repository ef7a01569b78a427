"""`python -m tests.support.recorder_process FILE KEEP_START PORT…`: the process of `tests.support.recorder`."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress

import jack
import numpy as np

from tests.support.jack_client import open_client
from tidzam.types import Float32

CONNECT_TIMEOUT_S = 10.0


def _connect(client: jack.Client, port: str, to: jack.OwnPort) -> None:
    deadline = time.monotonic() + CONNECT_TIMEOUT_S
    while True:
        try:
            client.connect(port, to)
        except jack.JackError:  # a port is there a little before its client is active
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def main(out: str, keep_start: str, *ports: str) -> None:
    with suppress(PermissionError):  # to keep up on a busy machine
        os.nice(-10)
    client = open_client(f"recorder{os.getpid()}")
    inputs = [client.inports.register(f"in_{index}") for index in range(len(ports))]
    blocks: list[Float32] = []
    frames: list[int] = []

    @client.set_process_callback  # type: ignore[untyped-decorator]  # JACK-Client has no types
    def process(length: int) -> None:
        frames.append(client.last_frame_time)
        blocks.append(np.stack([port.get_array().copy() for port in inputs], axis=1))

    client.activate()
    for port, own in zip(ports, inputs, strict=True):
        _connect(client, port, own)
    time.sleep(0.1)
    first = 0 if int(keep_start) else len(blocks)
    print("recording", flush=True)
    sys.stdin.read()
    last = len(blocks)
    skipped = np.flatnonzero(np.diff(frames[first:last]) != client.blocksize) + 1
    samples, begins = np.concatenate(blocks[first:last]), np.array(frames[first:last], np.int64)
    np.savez(out, samples=samples, seams=skipped * client.blocksize, begins=begins)
    os._exit(0)  # without closing the client, in which libjack may block


if __name__ == "__main__":
    main(*sys.argv[1:])
