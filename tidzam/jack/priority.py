"""Real-time priority for processes with a JACK callback in Python, where the system permits it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOWEST: Final = os.sched_param(1)


def run_first() -> None:
    """Give every thread of this process the lowest real-time priority, if permitted.

    JACK callbacks need about 1 % of a core but must never wait behind busy threads; nice values only compare processes
    of one session. Every thread is raised, because a descheduled one may hold the GIL. Call this again after JACK has
    started threads: they begin at normal priority, and so do child processes.
    """
    with suppress(PermissionError):
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(task.name), os.SCHED_RR | os.SCHED_RESET_ON_FORK, _LOWEST)
