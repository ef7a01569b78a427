"""Having the capture process run as soon as it has something to do, where the system lets it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_LOWEST: Final = os.sched_param(1)


def run_first() -> None:
    """Give every thread of this process the lowest real-time priority, if it may have one.

    Callbacks take a percent of a core and must not wait for those that take a whole one; niceness does not help, as it
    counts only among the processes of one session. All threads, as one that waits for a processor may hold the
    interpreter that a callback waits for; and again when there are new ones, as JACK makes its own ordinary.
    """
    with suppress(PermissionError):
        for task in Path("/proc/self/task").iterdir():
            with suppress(ProcessLookupError):
                os.sched_setscheduler(int(task.name), os.SCHED_RR, _LOWEST)
