"""A queue that begins a few items in each turn of the event loop, and takes them from each party by turns."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

PER_TURN = 4
"""Items begun per turn of the loop. Everything else that is due in the loop runs between two turns."""

T = TypeVar("T")


class FairQueue(Generic[T]):
    """Items that wait to be begun; first in, first out for each party, and round robin among the parties.

    A single item is begun in the next turn. However many items one party has, the first of another is begun in the next
    turn as well, while fewer than `PER_TURN` parties have any. Nothing is begun later than the loop allows.
    """

    def __init__(self, begin: Callable[[T], None]) -> None:
        self._begin = begin
        self._waiting: OrderedDict[str, dict[T, None]] = OrderedDict()
        self._is_scheduled = False

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def add(self, party: str, item: T) -> None:
        """Have `item` begun by the running loop. One that waits already keeps its place."""
        self._waiting.setdefault(party, {})[item] = None
        self._schedule()

    def remove(self, party: str, item: T) -> None:
        """Forget an item, if it still waits."""
        items = self._waiting.get(party, {})
        items.pop(item, None)
        if not items:
            self._waiting.pop(party, None)

    def _schedule(self) -> None:
        if self._waiting and not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        self._is_scheduled = False
        begun = 0
        try:
            while self._waiting and begun < PER_TURN:
                begun += 1
                self._begin(self._next())
        finally:
            self._schedule()

    def _next(self) -> T:
        """Take the oldest item of the party whose turn it is; the party comes last then."""
        party, items = self._waiting.popitem(last=False)
        item = next(iter(items))
        del items[item]
        if items:
            self._waiting[party] = items
        return item
