"""Batches made in advance, by processes that never load TensorFlow."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from tidzam.errors import SetupError
from tidzam.parallel import end_with_parent
from trainer.data.batches import Batches
from trainer.data.source import Batch

MAX_PREFETCHED = 4
"""Batches kept in this process until they are requested. Each worker has one more ready, and one in progress."""


def prefetch(batches: Batches, start: int, stop: int, *, processes: int) -> Generator[Batch]:
    """Batches `start` to `stop` - 1, in order, made while earlier ones are used.

    With 0 `processes`, a thread of this process makes them. Raises SetupError (`batch_worker`) if a worker is killed.
    """
    numbers = range(start, stop)
    return _by_processes(batches, numbers, processes) if processes else _by_thread(batches.__getitem__, numbers)


def _by_thread(get: Callable[[int], Batch], numbers: Sequence[int]) -> Generator[Batch]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        waiting: deque[Future[Batch]] = deque()
        try:
            for number in numbers:
                waiting.append(pool.submit(get, number))
                if len(waiting) > MAX_PREFETCHED:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _by_processes(batches: Batches, numbers: Sequence[int], processes: int) -> Generator[Batch]:
    """Worker k makes batches k, k + processes, …, and sends them through a pipe, which is closed when the worker ends.

    (The single queue of an executor would wait forever for the rest of a batch whose process was killed while sending.)
    A thread reads the pipes, since a pipe holds less than a batch.
    """
    context = multiprocessing.get_context("spawn")  # a fork would inherit TensorFlow's locks, but not its threads
    resource_tracker.ensure_running()  # it unblocks interrupts when it starts, which the first worker would inherit
    pipes, workers = [], []
    for turn in range(processes):
        reader, writer = context.Pipe(duplex=False)
        worker = context.Process(target=_work, args=(batches, numbers[turn::processes], writer), daemon=True)
        with _interrupts_blocked():  # inherited by the worker: only the trainer handles Ctrl-C
            worker.start()
        writer.close()
        pipes.append(reader)
        workers.append(worker)

    def receive(turn: int) -> Batch:
        try:
            made: Batch | Exception = pipes[turn % processes].recv()
        except (EOFError, OSError):
            raise SetupError(
                "A batch worker was killed, probably by the out-of-memory killer.",
                hint="Continue with --resume and fewer --batch-workers or a smaller --cache-mb.",
                code="batch_worker",
            ) from None
        if isinstance(made, Exception):
            raise made
        return made

    try:
        yield from _by_thread(receive, range(len(numbers)))
    finally:
        for worker in workers:
            worker.kill()
            worker.join()


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(batches: Batches, numbers: Sequence[int], writer: Connection) -> None:
    """The worker process: make batches until all are made, the trainer has ended, or the pipe is closed."""
    end_with_parent()
    for number in numbers:
        made: Batch | Exception
        try:
            made = batches[number]
        except Exception as error:  # noqa: BLE001  whatever it is, the trainer reports it
            made = error
        try:
            writer.send(made)
        except BrokenPipeError:
            return
        if isinstance(made, Exception):
            return
