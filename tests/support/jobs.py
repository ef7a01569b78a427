"""Commands of jobs for tests, and the process of a job in a folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.eventually import eventually
from tidzam.jobs.folder import JobFolder
from tidzam.jobs.launch import launch
from tidzam.jobs.states import JobStatus
from tidzam.process import CHILD_ENV, NODE_ENV

SAYS = "from tidzam.jobs.reports import ReportWriter\nwriter = ReportWriter()\n"


def program(*lines: str) -> list[str]:
    """The command line of a small Python program, in which `writer` reports."""
    return [sys.executable, "-P", "-c", SAYS + "\n".join(lines)]


WAITS = program("writer.progress(0.25, 'listening')", "import time; time.sleep(120)")
"""A job that reports and then goes on for longer than any test."""


def processes_of(home: Path) -> list[psutil.Process]:
    """The processes of the jobs of a home."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        is_runner = environment.get(NODE_ENV) == str(home.resolve()) and process.status() != psutil.STATUS_ZOMBIE
        if is_runner:
            found.append(process)
    return found


def runner_of(home: Path) -> psutil.Process:
    """The process that runs the job of a home, rather than its command."""
    return next(process for process in processes_of(home) if CHILD_ENV not in process.environ())


def end_jobs(home: Path) -> None:
    """Kill what runs in a home."""
    for process in processes_of(home):
        process.kill()
    eventually(lambda: not processes_of(home), what="the job has ended")


@contextmanager
def running_job(home: Path, argv: Sequence[str]) -> Iterator[JobFolder]:
    """A job that was launched without a console."""
    folder = JobFolder(home / "jobs" / "1-1")
    folder.prepare(argv)
    process = launch(folder, home=home)
    assert process is not None
    try:
        yield folder
    finally:
        end_jobs(home)
        process.wait()


def final_status(folder: JobFolder) -> JobStatus:
    """The status of a job once it has ended."""
    eventually(lambda: not folder.signs().is_alive, what="the job has ended", within_s=30)
    reported = folder.signs().reported
    assert reported is not None
    return reported
