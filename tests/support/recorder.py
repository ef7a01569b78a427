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

from tests.support.jack import JackServer
from tests.support.sound import tone_breaks
from tidzam.types import Float32


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
    argv = [sys.executable, "-m", "tests.support.recorder_process", str(out), *ports]
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
