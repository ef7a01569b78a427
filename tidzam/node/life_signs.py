"""Signs of life of programs: an HTTP answer, advancing JACK cycles, the heartbeat of a watchdog."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Protocol

from tidzam.jack.cycle_check import JackProbe
from tidzam.node.http_probe import answers

HTTP_TIMEOUT_S = 3.0
"""On a busy machine a program may answer late without hanging."""
PROBE_PATIENCE_S = 4.0
"""A JACK probe without news for this long is replaced, since the probe may hang rather than the server."""


class Sign(Protocol):
    """Whether the process `pid` of a program has shown a sign of life since the last call."""

    def __call__(self, pid: int) -> bool: ...


class HttpSign:
    """Any HTTP answer from `url`; also a program that reports a fault is alive."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url, self._token = url, token

    def __call__(self, pid: int) -> bool:
        return answers(self._url, HTTP_TIMEOUT_S, self._token)


class HeartbeatSign:
    """A file that was touched since the last call; the clock may be changed."""

    def __init__(self, beat: Path) -> None:
        self._beat, self._last = beat, -1

    def __call__(self, pid: int) -> bool:
        try:
            last = self._beat.stat().st_mtime_ns
        except OSError:
            return False
        changed, self._last = last != self._last, last
        return changed


class JackSign:
    """A frame time of the JACK server `server` that has changed since the last call."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._probe: JackProbe | None = None
        self._pid: int | None = None
        self._frames: int | None = None
        self._moved_s = 0.0

    def __call__(self, pid: int) -> bool:
        now_s = time.monotonic()
        if pid == self._pid and self._has_news():
            self._moved_s = now_s
            return True
        if pid != self._pid or self._probe is None or self._probe.ended or now_s - self._moved_s > PROBE_PATIENCE_S:
            self.close()
            self._probe, self._pid, self._moved_s = JackProbe(self._server), pid, now_s
        return False

    def _has_news(self) -> bool:
        """Read before the probe is judged: the calls may be further apart than its patience, and what it printed in
        between counts."""
        frames = self._probe.latest_frames() if self._probe else None
        if frames is None or frames == self._frames:
            return False
        self._frames = frames
        return True

    def close(self) -> None:
        if self._probe is not None:
            self._probe.close(grace_s=0.5)
            self._probe = None


def beat(file: Path) -> None:
    """Touch a heartbeat file. Raises OSError."""
    file.touch(mode=0o600)
    os.utime(file)
