"""Signs of life of programs: an HTTP answer, and the heartbeat of a watchdog."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tidzam.node.http_probe import answers

HTTP_TIMEOUT_S = 3.0
"""On a busy machine a program may answer late without hanging."""


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
