"""Computing the items of a generator ahead of their use, in a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Final, TypeVar

Item = TypeVar("Item")

_END: Final = object()


def ahead(items: Generator[Item], *, count: int = 1, name: str = "ahead") -> Generator[Item]:
    """`items`, of which a thread called `name` computes up to `count` while the ones before are in use. It runs in the
    context (`contextvars`) of the caller.

    An exception of `items` is raised here, after the items before it. When this generator is closed, so is `items`,
    after the item that the thread is computing.

    >>> list(ahead(number * 2 for number in range(3)))
    [0, 2, 4]
    """
    context = copy_context()

    def compute() -> Any:
        return next(items, _END)

    with ThreadPoolExecutor(1, name) as thread:
        waiting = deque(thread.submit(context.run, compute) for _ in range(count))
        try:
            while (item := waiting.popleft().result()) is not _END:
                waiting.append(thread.submit(context.run, compute))
                yield item
        finally:
            for future in waiting:
                future.cancel()
            thread.submit(context.run, items.close).result()
