"""Runs the command of a job, reports its progress into the job's folder, and ends it if it is cancelled."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Final, TextIO

from tidzam.errors import TidzamError
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.reports import FailureReport, JobReport, ProgressReport, ResultReport, parse_report
from tidzam.jobs.states import KILLED, STOPPED, JobState, JobStatus
from tidzam.process import Child, child_process
from tidzam.scrub import scrub

NICENESS: Final = 15
"""Programs that hear something come first."""
LOOK_S: Final = 0.25
"""How often progress is reported, and how soon is seen that somebody cancelled the job."""
GRACE_S: Final = 2.5
"""How long the command may take to end: less than `tidzam stop` waits. Also how long its last output is waited for,
which a process that it has left behind may keep open."""
_LOG_BYTES: Final = 2_000_000
"""The maximum size of the log; what comes later is left out."""


async def run_job(folder: JobFolder) -> None:
    """Run the command of the job in `folder` until it ends, is cancelled, or SIGTERM ends this process."""
    os.setpriority(os.PRIO_PROCESS, 0, max(NICENESS, os.getpriority(os.PRIO_PROCESS, 0)))
    work = asyncio.create_task(_Work(folder).run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    try:
        status = await work
    except asyncio.CancelledError:
        status = JobStatus(JobState.FAILED, message=STOPPED)
    except (TidzamError, OSError, ValueError) as error:
        status = JobStatus(JobState.FAILED, message=f"It could not be started: {error}")
    folder.report(status)


class _Work:
    """A job under way: what its command has reported so far."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._progress = ProgressReport(None)
        self._last: ResultReport | FailureReport | None = None
        self._is_reported = True

    async def run(self) -> JobStatus:
        """Run the command. Returns how it ended. Raises SetupError, OSError and ValueError if it cannot be started."""
        argv = self._folder.argv()
        with self._folder.log.open("a", encoding="utf-8", errors="backslashreplace") as log:
            async with child_process(
                argv,
                name=f"job {self._folder.root.name}",
                env={"PYTHONUNBUFFERED": "1"},
                stdout=asyncio.subprocess.PIPE,
                grace_s=GRACE_S,
                on_line=lambda line: _write(log, line),
            ) as child:
                reading = asyncio.create_task(self._read(child, log))
                try:
                    is_cancelled = await self._until_end(child)
                    if not is_cancelled:
                        await asyncio.wait([reading], timeout=GRACE_S)
                finally:
                    reading.cancel()
        return JobStatus(JobState.CANCELLED, self._progress.share) if is_cancelled else self._end(child)

    async def _read(self, child: Child, log: TextIO) -> None:
        """Take the reports of the command until it closes its output."""
        assert child.process.stdout is not None
        while True:
            try:
                raw = await child.process.stdout.readline()
            except ValueError:  # a line longer than the reader's buffer was dropped
                continue
            if not raw:
                return
            line = scrub(raw.decode(errors="replace").rstrip())
            report = parse_report(line)
            if report is None:
                _write(log, line)
            else:
                self._take(report)

    def _take(self, report: JobReport) -> None:
        if isinstance(report, ProgressReport):
            self._progress, self._is_reported = report, False
        else:
            self._last = report

    async def _until_end(self, child: Child) -> bool:
        """Report progress until the command ends. Returns whether the job was cancelled before that."""
        ending = asyncio.create_task(child.wait())
        try:
            while child.returncode is None:  # known before `ending` is done, which may wait for open pipes
                if self._folder.is_cancelled:
                    return True
                if not self._is_reported:
                    self._is_reported = True
                    self._folder.report(JobStatus(JobState.RUNNING, self._progress.share, self._progress.message))
                await asyncio.wait([ending], timeout=LOOK_S)
            return False
        finally:
            ending.cancel()

    def _end(self, child: Child) -> JobStatus:
        """How a job ended whose command ended by itself."""
        last, share = self._last, self._progress.share
        if child.returncode == 0:
            return JobStatus(JobState.DONE, 1.0, "", last.result if isinstance(last, ResultReport) else {})
        if isinstance(last, FailureReport):
            return JobStatus(JobState.FAILED, share, last.message)
        if child.returncode is not None and child.returncode < 0:
            return JobStatus(JobState.FAILED, share, KILLED)
        said = next((line for line in reversed(child.tail) if line.strip()), "")
        return JobStatus(JobState.FAILED, share, said or f"It ended with status {child.returncode}.")


def _write(log: TextIO, line: str) -> None:
    if log.tell() < _LOG_BYTES:
        log.write(line + "\n")
        log.flush()
