"""Work that takes much of the machine: a few requests at a time do it, some wait, and further ones are refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from tidzam.errors import RequestError

PATIENCE_S: Final = 10.0
"""How long a request waits for its turn: less than browsers and proxies do."""
WAITING_PER_TURN: Final = 4
"""How many requests wait for each that works. They hold threads that other requests need."""
_WAIT_S: Final = 5


class BusyError(RequestError):
    """Too many requests work already; the next attempt makes sense after `wait_s` seconds."""

    code = "busy"

    def __init__(self) -> None:
        super().__init__("The console works on many requests already.", hint="Try again in a few seconds.")
        self.wait_s = _WAIT_S


class Turns:
    """At most `at_a_time` requests work. Any thread may use it."""

    def __init__(self, at_a_time: int) -> None:
        self._free = threading.BoundedSemaphore(at_a_time)
        self._waiting = threading.BoundedSemaphore(at_a_time * (1 + WAITING_PER_TURN))

    @contextmanager
    def one(self, *, patience_s: float = PATIENCE_S) -> Iterator[None]:
        """Work for as long as the context is open. Raises BusyError if there are too many, or after `patience_s`."""
        if not self._waiting.acquire(blocking=False):
            raise BusyError
        try:
            if not self._free.acquire(timeout=patience_s):
                raise BusyError
            try:
                yield
            finally:
                self._free.release()
        finally:
            self._waiting.release()


@lru_cache
def sound_turns(at_a_time: int) -> Turns:
    """The turns of those who read recordings, in this process."""
    return Turns(at_a_time)
