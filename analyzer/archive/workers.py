"""The worker processes of this machine that analyze the files of an archive."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any, Final, Protocol

from analyzer.archive.job import FileJob, FileOutcome, run_job
from tidzam.parallel import end_with_parent

log = logging.getLogger(__name__)

_AHEAD: Final = 2
"""Jobs per process that are in progress or wait."""
_POLL_S: Final = 0.2

_stop: Any = None
_shares: Any = None
"""In a worker process: the shared memory of `WorkerProcesses`."""


class ArchiveWorkers(Protocol):
    """Where the files of an archive are analyzed.

    `outcomes` yields each job once with its outcome, as they finish. It yields None now and then, so that its caller
    can show progress and stop; then it is closed, and the jobs in progress are given up. `shares` holds the part that
    is done of each job in progress by its number, 0 to 1, as far as it is known.
    """

    def outcomes(self, jobs: Iterable[FileJob]) -> Generator[tuple[FileJob, FileOutcome] | None]: ...

    def shares(self) -> Mapping[int, float]: ...


class WorkerProcesses:
    """Several processes. One that is killed, or crashes, costs no file but the one that it crashes on.

    A process that dies may have been killed for want of memory, or by a decoder that crashes on a file. All jobs that
    were in progress are then repeated, each in a process of its own and alone; if that dies, too, the file has failed.
    """

    def __init__(self, *, processes: int, files: int) -> None:
        self._processes = processes
        self._stop = RawValue("b", 0)
        self._shares = RawArray("d", files)
        self._running: dict[Future[FileOutcome], FileJob] = {}

    def shares(self) -> Mapping[int, float]:
        return {job.number: self._shares[job.number] for job in self._running.values()}

    def outcomes(self, jobs: Iterable[FileJob]) -> Generator[tuple[FileJob, FileOutcome] | None]:
        """Raises OSError if no process can be started."""
        waiting = iter(jobs)
        pool, running = self._pool(self._processes), self._running
        try:
            while True:
                suspects = self._submit(pool, waiting)
                if not running and not suspects:
                    return
                done, _ = wait(running, timeout=_POLL_S, return_when=FIRST_COMPLETED)
                for future in done:
                    if isinstance(future.exception(), BrokenProcessPool):
                        suspects.append(running.pop(future))
                    else:
                        yield running.pop(future), future.result()
                if suspects:
                    suspects += running.values()
                    running.clear()
                    pool.shutdown(wait=True, cancel_futures=True)
                    for job in sorted(suspects, key=lambda job: job.number):
                        yield from self._alone(job)
                    pool = self._pool(self._processes)
                yield None
        finally:
            self._stop.value = 1
            pool.shutdown(wait=True, cancel_futures=True)

    def _submit(self, pool: ProcessPoolExecutor, waiting: Iterator[FileJob]) -> list[FileJob]:
        """Give the processes enough to do. Returns a job that could not be submitted, since the pool is broken."""
        for job in islice(waiting, max(0, _AHEAD * self._processes - len(self._running))):
            try:
                self._running[pool.submit(_run, job)] = job
            except BrokenProcessPool:
                return [job]
        return []

    def _alone(self, job: FileJob) -> Iterator[tuple[FileJob, FileOutcome] | None]:
        """A job in a process of its own."""
        log.debug("%s is analyzed again, alone", job.path)
        with self._pool(1) as pool:
            future = pool.submit(_run, job)
            try:
                while not wait([future], timeout=_POLL_S).done:
                    yield None
            except GeneratorExit:
                self._stop.value = 1
                raise
            try:
                yield job, future.result()
            except BrokenProcessPool:
                yield (
                    job,
                    FileOutcome.failed(
                        "worker_died",
                        f"{job.path}: the process that analyzed it was killed twice. It ran out of memory, or the "
                        "decoder crashes on this file.",
                    ),
                )

    def _pool(self, processes: int) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload([__name__])
        return ProcessPoolExecutor(
            processes, mp_context=context, initializer=_begin, initargs=(self._stop, self._shares)
        )


def _begin(stop: Any, shares: Any) -> None:
    """Leave Ctrl-C to the main process, and end when that does, even if it is killed."""
    global _stop, _shares
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _stop, _shares = stop, shares
    end_with_parent()


def _run(job: FileJob) -> FileOutcome:
    def advance(share: float) -> None:
        _shares[job.number] = share

    return run_job(job, advance=advance, stopped=lambda: bool(_stop.value))
