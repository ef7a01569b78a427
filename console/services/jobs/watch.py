"""Starts jobs one after the other, follows the one that runs, and notifies browsers."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Final

from console.live.notices import Notices
from console.services.jobs.models import JobView, view_of
from tidzam.aio import in_background
from tidzam.errors import StoreError
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.launch import launch
from tidzam.jobs.queue import JobQueue, set_status, status_of_row
from tidzam.jobs.states import JobState, JobStatus, settled
from tidzam.paths import jobs_folder
from tidzam.store.base import to_microseconds
from tidzam.store.database import Store
from tidzam.store.tables.jobs import JobRow

log = logging.getLogger(__name__)

EVERY_S: Final = 0.5
"""How often a job that runs is looked at."""
AWAY_S: Final = 5.0
"""How long is waited after the store was away."""
EVENT: Final = "job"
"""The name of the event of a job that has changed."""
KEPT: Final = 50
"""How many jobs keep their log and input files."""
YOUNG_S: Final = 600.0
"""How long a folder is left alone after its last change: its job may not be in the store yet."""


class JobWatch:
    """The jobs of a node while `running` is open. `home` is the node's, None for the default one; `node` its name.

    A job outlives it: the next one follows it from its folder, and finds out if it has ended meanwhile.
    """

    def __init__(
        self, store: Store, *, home: Path | None, node: str, notices: Notices, now: Callable[[], datetime]
    ) -> None:
        self._store, self._node, self._notices, self._now = store, node, notices, now
        self._folder = jobs_folder(home)
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._processes: list[subprocess.Popen[bytes]] = []

    def folder_of(self, row: JobRow | JobView) -> JobFolder:
        """Where a job has its files: numbers come again if the database is another one."""
        return JobFolder(self._folder / f"{row.id}-{to_microseconds(row.created)}")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look after jobs for as long as the context is open."""
        self._loop = asyncio.get_running_loop()
        try:
            async with in_background(self._run(), name="jobs"):
                yield
        finally:
            self._loop = None

    def look(self) -> None:
        """Look now: there is a new job, or one is to end. May be called from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the console is ending
                self._loop.call_soon_threadsafe(self._wake.set)

    def publish(self, row: JobRow) -> None:
        """Notify browsers of a job."""
        view = view_of(row)
        self._notices.add(EVENT, view, public=view.for_viewers())

    def step(self) -> bool:
        """Follow the job that runs, and start the next one if its turn has come. Returns whether any is unfinished.

        It may block. Raises StoreError.
        """
        self._processes = [process for process in self._processes if process.poll() is None]  # reaps those that ended
        with self._store.read() as session:
            states = [JobState(row.state) for row in JobQueue(session, self._node).unfinished()]
        if JobState.RUNNING in states:
            self._follow()
        with self._store.write() as session:
            row = JobQueue(session, self._node).start_next(now=self._now()) if states else None
        if row is not None:
            self._start(row)
        return bool(states)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                is_busy, pause_s = await asyncio.to_thread(self.step), EVERY_S
            except StoreError as error:
                log.warning("jobs wait for the store: %s", error)
                is_busy, pause_s = True, AWAY_S
            except Exception:  # a fault with one job must not end the others
                log.exception("jobs could not be looked after")
                is_busy, pause_s = True, AWAY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s if is_busy else None):
                    await self._wake.wait()

    def _follow(self) -> None:
        with self._store.read() as session:
            rows = JobQueue(session, self._node).unfinished()
        for row in rows:
            if row.state == JobState.RUNNING:
                self._settle(row.id, settled(status_of_row(row), self.folder_of(row).signs()))

    def _start(self, row: JobRow) -> None:
        folder = self.folder_of(row)
        try:
            process = launch(folder, home=self._folder.parent)
        except OSError as error:
            reason = f"It could not be started: {error.strerror or error}."
            self._settle(row.id, JobStatus(JobState.FAILED, message=reason))
            return
        if process is not None:
            self._processes.append(process)
        self.publish(row)

    def _settle(self, number: int, status: JobStatus) -> None:
        with self._store.write() as session:
            row = JobQueue(session, self._node).find(number, to_change=True)
            if row.state != JobState.RUNNING or not set_status(row, status, now=self._now()):
                return
        self.publish(row)
        if status.state.is_final:
            log.info("job %d (%s) is %s %s", number, row.title, status.state, status.message)
            self._tidy()

    def _tidy(self) -> None:
        """Remove the files of old jobs, and of those that were never stored."""
        with self._store.read() as session:
            queue = JobQueue(session, self._node)
            kept = {self.folder_of(row).root for row in (*queue.list(limit=KEPT), *queue.unfinished())}
        for path in self._folder.iterdir():
            if path not in kept and not _is_young(path):
                JobFolder(path).remove()


def _is_young(folder: Path) -> bool:
    try:
        return time.time() - folder.stat().st_mtime < YOUNG_S
    except OSError:  # another console has removed it
        return True
