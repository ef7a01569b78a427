"""Recording JACK ports in a separate process, since libjack may crash or block a test's interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.support.jack import JackServer
from tests.support.sound import tone_breaks
from tidzam.types import Float32


class Recording:
    """`samples`, of shape (frames, ports), are known once the recorder was left.

    `seams` are the indices in them before which JACK, or the recorder when the machine is busy, skipped frames. They
    consist of blocks of one length; `begins` holds the frame of JACK's clock at which each begins.
    """

    samples: Float32
    seams: frozenset[int]
    begins: NDArray[np.int64]

    def by_frame(self) -> tuple[Float32, int]:
        """The samples, shape (frames, ports), at their places in JACK's clock, NaN where they were skipped; and the
        frame at which they begin."""
        block = len(self.samples) // len(self.begins)
        places = self.begins - self.begins[0]
        tape = np.full((int(places[-1]) + block, self.samples.shape[1]), np.nan, np.float32)
        for number, place in enumerate(places):
            tape[place : place + block] = self.samples[number * block : (number + 1) * block]
        return tape, int(self.begins[0])


@contextmanager
def recorder(
    server: JackServer, ports: Sequence[str], folder: Path, *, keep_start: bool = False
) -> Iterator[Recording]:
    """Record `ports` while the context is open; with `keep_start`, from the moment on that they are connected."""
    out = folder / f"recorded-{ports[0].replace(':', '-')}.npz"
    argv = [sys.executable, "-m", "tests.support.recorder_process", str(out), str(int(keep_start)), *ports]
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
            recording.begins = saved["begins"]


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
