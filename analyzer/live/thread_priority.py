"""The priority of a thread below those that carry audio."""

from __future__ import annotations

import os
import threading
from typing import Final

ANALYSIS_NICE: Final = 5
BACKGROUND_NICE: Final = 15
"""Nice values: of the thread that analyzes live, and of work that must not delay it."""


def lower_priority(nice: int = ANALYSIS_NICE) -> None:
    """Set the nice value of this thread. Linux has one per thread, which new threads and processes inherit."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), nice)
