"""The number of responses that go on for as long as their visitors want."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tidzam.errors import RequestError


class OpenStreams:
    """Counts the responses that go on: at most `most`, and `most_each` of one visitor."""

    def __init__(self, most: int, most_each: int) -> None:
        self._most, self._most_each = most, most_each
        self._of = Counter[str]()

    @property
    def count(self) -> int:
        """How many go on."""
        return self._of.total()

    @contextmanager
    def one(self, visitor: str) -> Iterator[None]:
        """One more of `visitor` while the context is open. Raises RequestError (`too_many_streams`)."""
        if self._of[visitor] >= self._most_each:
            raise _too_many(f"You have {self._most_each} pages and players open already.", "streams_per_visitor")
        if self.count >= self._most:
            raise _too_many(f"{self._most} pages and listeners are connected already.", "streams")
        self._of[visitor] += 1
        try:
            yield
        finally:
            self._of[visitor] -= 1
            self._of += Counter()  # forgets those who have none


def _too_many(message: str, setting: str) -> RequestError:
    hint = f"Close some, try again later, or raise console.{setting}."
    return RequestError(message, hint=hint, code="too_many_streams")
