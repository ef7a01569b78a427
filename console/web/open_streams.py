"""The number of responses that go on for as long as their visitors want."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tidzam.errors import RequestError


class OpenStreams:
    """Counts the responses that go on, at most `most`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.count = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """One more while the context is open. Raises RequestError (`too_many_streams`)."""
        if self.count >= self._most:
            message = f"{self._most} pages and listeners are connected already."
            raise RequestError(message, hint="Try again later, or raise console.streams.", code="too_many_streams")
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1
