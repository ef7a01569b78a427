"""Checks, by a disposable process, whether the cycles of a JACK server run."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from contextlib import suppress

from tidzam.jack.environment import jack_env
from tidzam.jack.probe_protocol import REFUSED
from tidzam.process import CHILD_ENV

PROBE_NAME = "jack-probe"


class JackProbe:
    """A running probe process. `frames` is the latest frame time that it printed.

    It is never killed (see `tidzam.jack.client_grace`).
    """

    def __init__(self, server: str) -> None:
        self.frames: int | None = None
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig=TERM", "--", sys.executable, "-P", "-m", "tidzam.jack.cycle_probe"],
            env={**os.environ, **jack_env(server), CHILD_ENV: PROBE_NAME},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._process.wait()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def was_refused(self) -> bool:
        """Whether it has ended because the server has no room for another client, which is an answer, too."""
        return self._process.poll() == REFUSED

    def wait_for_frames(self, timeout_s: float) -> int | None:
        """The next frame time that it prints; None if there is none within `timeout_s`."""
        try:
            self.frames = int(self._lines.get(timeout=timeout_s))
        except (queue.Empty, ValueError):
            return None
        return self.frames

    def latest_frames(self) -> int | None:
        """The last frame time that it has printed so far."""
        while not self._lines.empty():
            self.wait_for_frames(0.0)
        return self.frames

    def leave(self) -> None:
        """Make it disconnect from JACK and end, without waiting for it."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def close(self, patience_s: float = 1.0) -> None:
        """Make it disconnect from JACK, and wait for its end for up to `patience_s`."""
        self.leave()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(patience_s)


def cycles_run(server: str, timeout_s: float) -> bool:
    """Whether the frame time of the JACK server `server` moves, as seen within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    probe = JackProbe(server)
    first: int | None = None
    try:
        while (left_s := deadline - time.monotonic()) > 0 and not probe.ended:
            frames = probe.wait_for_frames(min(left_s, 0.5))
            first = frames if first is None else first
            if frames is not None and frames != first:
                return True
        return False
    finally:
        probe.close()
