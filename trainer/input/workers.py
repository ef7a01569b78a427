"""Batches made ahead of their use, by processes that never load TensorFlow."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait

from tidzam.errors import SetupError
from trainer.input.batches import Batches
from trainer.input.source import Batch

AHEAD = 4
"""Batches made before they are asked for, beside the one that each process is at work on."""

_mine: Batches | None = None


def ahead(batches: Batches, start: int, stop: int, *, processes: int) -> Generator[Batch]:
    """Batches `start` to `stop` - 1, in order, made while the last ones are used.

    With 0 `processes` a thread of this one makes them. Raises SetupError if a process is killed.
    """
    pool, make = _pool(batches, processes)
    waiting: deque[Future[Batch]] = deque()
    try:
        for index in range(start, stop):
            waiting.append(pool.submit(make, index))
            if len(waiting) > AHEAD + processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool:
        raise SetupError(
            "A process that makes batches was ended from outside, perhaps for want of memory.",
            hint="Go on with --resume, fewer --batch-workers or a smaller cache_mb.",
            code="batch_worker",
        ) from None
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _pool(batches: Batches, processes: int) -> tuple[Executor, Callable[[int], Batch]]:
    if processes == 0:
        return ThreadPoolExecutor(1, thread_name_prefix="batches"), batches.__getitem__
    context = multiprocessing.get_context("spawn")  # a fork would take TensorFlow's locks along, but not its threads
    return ProcessPoolExecutor(processes, context, _begin, (batches,)), _make


def _begin(batches: Batches) -> None:
    """In the new process: keep what batches are made of; leave Ctrl-C to the trainer, and end when it does."""
    global _mine
    _mine = batches
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _make(index: int) -> Batch:
    assert _mine is not None
    return _mine[index]
