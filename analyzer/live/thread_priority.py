"""The priority of a thread below those that carry audio."""

from __future__ import annotations

import os
import threading
from typing import Final

ANALYSIS_NICE: Final = 5
BACKGROUND_NICE: Final = 15
"""Nice values: of the thread that analyzes live, and of work that must not delay it."""


def lower_priority(nice: int = ANALYSIS_NICE) -> None:
    """Set the nice value of this thread, unless it is higher already: only root may reduce it.

    Linux has one per thread, which new threads and processes inherit.
    """
    thread = threading.get_native_id()
    os.setpriority(os.PRIO_PROCESS, thread, max(nice, os.getpriority(os.PRIO_PROCESS, thread)))
