"""Starts the process of a job."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tidzam.jobs.folder import JobFolder
from tidzam.jobs.states import JobState, JobStatus
from tidzam.process import NODE_ENV


def launch(folder: JobFolder, *, home: Path) -> subprocess.Popen[bytes] | None:
    """Start the runner of the job in `folder`, as a process of the node of `home`; None if it runs already.

    It leads a process group of its own, so that it goes on when this program ends, or is restarted; it ends with the
    node. It stays in the session of this program: the kernel weighs sessions against one another, and only within one
    does a low priority make way for the analyzer. Raises OSError.
    """
    lock = folder.hold()
    if lock is None:
        return None
    try:
        folder.report(JobStatus(JobState.RUNNING))
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "tidzam.jobs", str(folder.root), str(lock)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, NODE_ENV: str(home)},
            cwd=home,
            pass_fds=[lock],  # the lock stays held without a moment's break
            process_group=0,
        )
    finally:
        os.close(lock)
