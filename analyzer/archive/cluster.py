"""The workers of a dask.distributed cluster that analyze the files of an archive.

Results are values that the workers return, and only this process writes them: a worker that is killed loses its file in
flight, which the scheduler gives to another one, and no result can be written twice.
"""

from __future__ import annotations

import logging
import queue
import secrets
import time
from collections.abc import Generator, Iterable, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import tidzam
from analyzer.archive.job import FileJob, FileOutcome, run_job
from tidzam.errors import ClusterError, SetupError

if TYPE_CHECKING:
    from distributed import Future

_LOST: Final = (OSError, RuntimeError, CancelledError)
"""What a client raises whose scheduler is gone."""
_POLL_S: Final = 0.2
_COUNT_S: Final = 5.0
"""Seconds between two counts of the workers, which may come and go."""
_AHEAD: Final = 2
"""Jobs per thread of the cluster that are in progress or wait."""


class WorkerVersionError(Exception):
    """A worker runs another version of Tidzam."""


class ClusterWorkers:
    """The workers of the scheduler at an address such as `tcp://10.0.0.1:8786`."""

    def __init__(self, address: str, *, connect_s: float = 20.0, first_worker_s: float = 60.0) -> None:
        """Connect, and check the workers, of which the first may take its time to arrive.

        Raises SetupError if dask.distributed is missing, ClusterError if the scheduler does not answer
        (`cluster_unreachable`), has no worker (`cluster_member`) or one with another version (`cluster_version`).
        """
        self._address = address
        self._threads, self._next_count = 0, 0.0
        self._client = _connected(address, connect_s)
        try:
            self._check_workers(first_worker_s)
        except BaseException:
            self._client.close()
            raise

    def shares(self) -> Mapping[int, float]:
        """Nothing is known about jobs in progress."""
        return {}

    def outcomes(self, jobs: Iterable[FileJob]) -> Generator[tuple[FileJob, FileOutcome] | None]:
        """Raises ClusterError if the scheduler is lost, or a worker cannot run the analysis."""
        waiting, run = iter(jobs), secrets.token_hex(4)
        running: dict[str, tuple[FileJob, Future[Any]]] = {}
        ended: queue.SimpleQueue[Future[Any]] = queue.SimpleQueue()
        try:
            while True:
                for job in islice(waiting, max(0, self._wanted() - len(running))):
                    key = f"tidzam-{run}-{job.number}"
                    future: Future[Any] = self._client.submit(_run, job, tidzam.__version__, key=key, pure=False)
                    running[key] = (job, future)
                    future.add_done_callback(ended.put)  # type: ignore[no-untyped-call]
                if not running:
                    return
                try:
                    future = ended.get(timeout=_POLL_S)
                except queue.Empty:
                    self._check_connection()
                    yield None
                    continue
                job, _ = running.pop(str(future.key))
                yield job, self._outcome(job, future)
        except _LOST:  # in the middle of whatever the client was doing
            raise self._lost() from None
        finally:
            with suppress(*_LOST):
                self._client.cancel([future for _, future in running.values()], force=True)
            with suppress(*_LOST):
                self._client.close()

    def _wanted(self) -> int:
        """How many jobs should be submitted: the scheduler must not wait for this process, nor hold a whole archive."""
        now = time.monotonic()
        if now >= self._next_count:
            self._next_count = now + _COUNT_S
            self._threads = sum(self._client.nthreads().values())
        return _AHEAD * max(1, self._threads)

    def _outcome(self, job: FileJob, future: Future[Any]) -> FileOutcome:
        from distributed import KilledWorker

        if future.status in ("cancelled", "lost"):
            raise self._lost()
        error = future.exception()  # type: ignore[no-untyped-call]
        if error is None:
            outcome: FileOutcome = future.result()
            future.release()  # type: ignore[no-untyped-call]
            return outcome
        if isinstance(error, CancelledError):
            raise self._lost()
        if isinstance(error, KilledWorker):
            message = (
                f"{job.path}: the workers that analyzed it were killed, one after the other. They ran out of memory, "
                "or the decoder crashes on this file."
            )
            return FileOutcome.failed("worker_died", message)
        raise ClusterError(
            f"A worker cannot run the analysis: {type(error).__name__}: {error}.",
            hint=f"Install Tidzam {tidzam.__version__} for all workers.",
            code="cluster_version",
        )

    def _check_connection(self) -> None:
        if self._client.status not in ("running", "connecting"):
            raise self._lost()

    def _lost(self) -> ClusterError:
        return ClusterError(
            f"The scheduler {self._address} is gone.",
            hint="Start it again, and run the same command again: finished files are not analyzed again.",
            code="cluster_lost",
        )

    def _check_workers(self, within_s: float) -> None:
        try:
            self._client.wait_for_workers(1, timeout=within_s)
        except TimeoutError:
            raise ClusterError(
                f"The scheduler {self._address} has no worker.",
                hint=f"Start some with `dask worker {self._address}`.",
                code="cluster_member",
            ) from None
        try:
            versions: Mapping[str, str | Exception] = self._client.run(_version, on_error="return")
        except _LOST:
            raise self._lost() from None
        for worker, version in versions.items():
            check_version(worker, version)


def check_version(worker: str, found: str | Exception) -> None:
    """Raises ClusterError (`cluster_version`) if a worker has another version of Tidzam, or none.

    `found` is its version, or the error of asking it. One that is gone meanwhile costs nothing.
    """
    if isinstance(found, OSError):
        return
    if isinstance(found, Exception):  # whatever importing it raises there
        raise ClusterError(
            f"The worker {worker} cannot import Tidzam: {type(found).__name__}: {found}.",
            hint="Start the workers in an environment in which Tidzam is installed.",
            code="cluster_version",
        )
    if found != tidzam.__version__:
        raise ClusterError(
            f"The worker {worker} runs Tidzam {found}; expected {tidzam.__version__}.",
            hint="Install the same version everywhere.",
            code="cluster_version",
        )


def _connected(address: str, within_s: float) -> Any:  # a Client, many of whose methods have no types
    try:
        from distributed import Client
    except ImportError:
        raise SetupError(
            "A cluster needs the package distributed.",
            hint="Run `bin/tidzam install cluster`, or `pip install 'tidzam[cluster]'`.",
        ) from None
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)  # an error that ends the run says the same
    try:
        return Client(address, timeout=within_s, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"The scheduler {address} does not answer: {error}.",
            hint="Start it with `dask scheduler`, and specify the address that it prints, such as tcp://10.0.0.1:8786.",
            code="cluster_unreachable",
        ) from None


def _version() -> str:
    """On a worker: the version of Tidzam there."""
    return tidzam.__version__


def _run(job: FileJob, version: str) -> Any:
    """On a worker: analyze a file. A worker may have joined the cluster after the versions were compared."""
    if tidzam.__version__ != version:
        raise WorkerVersionError(f"it runs Tidzam {tidzam.__version__}; expected {version}")
    return run_job(job)
