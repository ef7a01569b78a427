"""`python -m tidzam.jobs FOLDER LOCK`: run a job to its end. Started by `tidzam.jobs.launch`, not by people."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from tidzam.jobs.folder import JobFolder
from tidzam.jobs.runner import run_job

if __name__ == "__main__":
    os.set_inheritable(int(sys.argv[2]), False)  # the command does not hold the lock
    asyncio.run(run_job(JobFolder(Path(sys.argv[1]))))
