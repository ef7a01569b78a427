"""Recording JACK ports in a separate process, since libjack may crash or block a test's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import jack
import numpy as np

from tests.support.jack import JackServer, open_client
from tests.support.sound import tone_breaks
from tidzam.types import Float32

CONNECT_TIMEOUT_S = 10.0


class Recording:
    """`samples`, of shape (frames, ports), are known once the recorder was left.

    `seams` are the indices in them before which JACK, or the recorder when the machine is busy, skipped frames.
    """

    samples: Float32
    seams: frozenset[int]


@contextmanager
def recorder(server: JackServer, ports: Sequence[str], folder: Path) -> Iterator[Recording]:
    """Record `ports` while the context is open."""
    out = folder / f"recorded-{ports[0].replace(':', '-')}.npz"
    argv = [sys.executable, "-m", "tests.support.recorder", str(out), *ports]
    process = subprocess.Popen(
        argv, env={**os.environ, **server.env}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "recording\n"
    recording = Recording()
    try:
        yield recording
    finally:
        process.communicate(timeout=20)
        with np.load(out) as saved:
            recording.samples, recording.seams = saved["samples"], frozenset(saved["seams"].tolist())


def record(server: JackServer, ports: Sequence[str], folder: Path, *, seconds: float) -> Recording:
    """Record `ports` for some time."""
    with recorder(server, ports, folder) as recording:
        time.sleep(seconds)
    return recording


def unbroken(recording: Recording, frequency_hz: float, *, port: int = 0, rate_hz: int = 44100) -> bool:
    """Whether a tone is continuous, except where the recording itself has a seam."""
    samples = recording.samples[:, port]
    seams = {seam + step for seam in recording.seams for step in (0, 1)}
    return bool(samples.any()) and tone_breaks(samples, frequency_hz, rate_hz) <= seams


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


def main(out: str, *ports: str) -> None:
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
    first = len(blocks)
    print("recording", flush=True)
    sys.stdin.read()
    last = len(blocks)
    skipped = np.flatnonzero(np.diff(frames[first:last]) != client.blocksize) + 1
    np.savez(out, samples=np.concatenate(blocks[first:last]), seams=skipped * client.blocksize)
    os._exit(0)  # without closing the client, in which libjack may block


if __name__ == "__main__":
    main(*sys.argv[1:])
