"""Events for browsers besides what is heard: something was changed, by a person or by a program."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from itertools import count
from typing import Final

from pydantic import BaseModel

MOST: Final = 1000
"""How many of the last notices are kept for browsers that are slow."""


@dataclass(frozen=True)
class LiveNotice:
    """An event called `event` with `data`, which is JSON. Its number is that of the one before and one.

    Who may only view gets `public` in place of `data`.
    """

    number: int
    event: str
    data: str
    public: str


class Notices:
    """The last notices. Any thread may add one. Nothing is kept per browser."""

    def __init__(self) -> None:
        self._kept: deque[LiveNotice] = deque(maxlen=MOST)
        self._numbers, self._lock = count(1), threading.Lock()

    @property
    def last(self) -> int:
        """The number of the last notice, 0 if there is none."""
        with self._lock:
            return self._kept[-1].number if self._kept else 0

    def add(self, event: str, data: BaseModel, *, public: BaseModel | None = None) -> None:
        """Send an event to all browsers, with `public` to those of people who do not manage the node, if given."""
        text = data.model_dump_json()
        shown = text if public is None else public.model_dump_json()
        with self._lock:
            self._kept.append(LiveNotice(next(self._numbers), event, text, shown))

    def since(self, number: int) -> tuple[LiveNotice, ...] | None:
        """The notices after the one with this number, in their order; None if some of them are no longer kept."""
        with self._lock:
            kept = tuple(self._kept)
        if kept and kept[0].number > number + 1:
            return None
        return tuple(notice for notice in kept if notice.number > number)
