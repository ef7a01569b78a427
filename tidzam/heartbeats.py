"""The heartbeat files of programs that answer no requests: a watchdog sees by them that a program advances."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

BEAT_S: Final = 1.0
"""How often a program touches its file."""


def heartbeat_file(home: Path, program: str) -> Path:
    """The heartbeat file of a program in a node's home."""
    return home / f"{program}.beat"


def beat(file: Path) -> None:
    """Touch a heartbeat file. Raises OSError."""
    file.touch(mode=0o600)
    os.utime(file)


class WorkProgress:
    """What a program is doing, for its heartbeat: it advances, or waits for something to do.

    Work that does not `advance` for `stalled_s` seconds hangs. May be used from several threads.
    """

    def __init__(self, *, stalled_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self._stalled_s, self._now = stalled_s, now
        self._last: float | None = None

    def advance(self) -> None:
        """A step of the work is done, or the first one begins."""
        self._last = self._now()

    def wait(self) -> None:
        """There is nothing to do for now."""
        self._last = None

    @property
    def is_alive(self) -> bool:
        """Whether the work advances, or there is none."""
        last = self._last
        return last is None or self._now() - last < self._stalled_s


@contextmanager
def heartbeat(file: Path, progress: WorkProgress) -> Iterator[None]:
    """While open, a thread touches `file` every BEAT_S as long as `progress` is alive."""
    ended = threading.Event()

    def run() -> None:
        while True:
            if progress.is_alive:
                with suppress(OSError):  # a full disk or a deleted home: ending would not help
                    beat(file)
            if ended.wait(BEAT_S):
                return

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
