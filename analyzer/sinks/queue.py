"""A bounded queue before each sink, and the containment of its faults: neither delays or stops the analyzer."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from analyzer.sinks.base import CountsErrors, NamedSink, ReportsFault
from tidzam.errors import TidzamError
from tidzam.process import RestartPolicy
from tidzam.protocol.analyzer import SinkStatus
from tidzam.results import AnalyzedBatch
from tidzam.scrub import scrub

log = logging.getLogger(__name__)

_LIMIT: Final = 8
_CLOSE_S: Final = 2.0
_POLICY: Final = RestartPolicy(first_delay_s=0.5, max_delay_s=30.0, stable_after_s=20.0)


class ContainedSink(ABC):
    """Runs a sink: delivers batches one by one, and opens it again, with back-off, after it failed.

    A failure is counted in `errors` and logged once until a delivery succeeds again; `fault` is its message meanwhile.
    """

    def __init__(self, named: NamedSink, *, policy: RestartPolicy = _POLICY) -> None:
        self.name, self._sink = named.name, named.sink
        self._policy = policy
        self.delivered = self.dropped = self.errors = 0
        self.fault: str | None = None

    @abstractmethod
    def _next_batch(self) -> AbstractAsyncContextManager[AnalyzedBatch]:
        """The next batch, as soon as there is one. The context is left when the sink has taken it, or has failed."""

    @property
    def status(self) -> SinkStatus:
        """Its counts and its fault: why it fails, or what it reports itself."""
        own = self._sink.fault if isinstance(self._sink, ReportsFault) else None
        more = self._sink.errors if isinstance(self._sink, CountsErrors) else 0
        return SinkStatus(
            name=self.name,
            delivered=self.delivered,
            errors=self.errors + more,
            dropped=self.dropped,
            fault=self.fault or own,
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        failures = 0
        while True:
            started = time.monotonic()
            try:
                await self._serve()
            except asyncio.CancelledError as error:
                if _cancellations():
                    raise
                self._failed(error)  # raised by the sink itself
            except Exception as error:  # noqa: BLE001  a fault of a sink must not reach the analyzer
                self._failed(error)
            failures = self._policy.failures_after(failures, time.monotonic() - started)
            await asyncio.sleep(self._policy.delay_s(failures))

    async def _serve(self) -> None:
        """Open the sink, deliver until cancelled or until it fails, and close it."""
        await self._sink.open()
        try:
            while True:
                async with self._next_batch() as analyzed:
                    await self._sink.deliver(analyzed)
                del analyzed  # the audio of all channels, until the next batch
                self._delivered()
        finally:
            await self._close()

    async def _close(self) -> None:
        before = _cancellations()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._sink.close()
        except asyncio.CancelledError as error:
            if _cancellations() > before:
                raise
            self._failed(error)
        except Exception as error:  # noqa: BLE001  as in run
            self._failed(error)

    def _failed(self, error: BaseException) -> None:
        self.errors += 1
        first, self.fault = self.fault is None, _reason(error)
        if first:
            trace = None if isinstance(error, TidzamError | TimeoutError) else error
            log.error("sink %s failed and is restarted until it works: %s", self.name, self.fault, exc_info=trace)

    def _delivered(self) -> None:
        self.delivered += 1
        if self.fault is not None:
            log.info("sink %s works again, after %d failures in total", self.name, self.errors)
        self.fault = None


class BoundedSink(ContainedSink):
    """A sink behind a queue. When that is full the batch is dropped and counted; one warning is logged per overload."""

    def __init__(self, named: NamedSink, *, limit: int = _LIMIT, policy: RestartPolicy = _POLICY) -> None:
        super().__init__(named, policy=policy)
        self._queue: asyncio.Queue[AnalyzedBatch] = asyncio.Queue(limit)
        self._dropping = False

    def put(self, analyzed: AnalyzedBatch) -> bool:
        """Queue a batch, or drop it. Never waits. Returns whether it is queued."""
        full = self._queue.full()
        if full:
            self.dropped += 1
        else:
            self._queue.put_nowait(analyzed)
        if full and not self._dropping:
            log.warning("sink %s cannot keep up: batches are dropped (%d so far)", self.name, self.dropped)
        self._dropping = full
        return not full

    async def drain(self, timeout_s: float) -> None:
        """Wait until the queue is delivered, for at most `timeout_s`."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._queue.join()
        except TimeoutError:
            log.warning("sink %s: %d batches were not delivered before the end", self.name, self._queue.qsize())

    @asynccontextmanager
    async def _next_batch(self) -> AsyncIterator[AnalyzedBatch]:
        analyzed = await self._queue.get()
        try:
            yield analyzed
        finally:
            self._queue.task_done()


def _cancellations() -> int:
    """How often the current task was cancelled from outside."""
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _reason(error: BaseException) -> str:
    if isinstance(error, TidzamError):
        return str(error)
    return scrub(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
