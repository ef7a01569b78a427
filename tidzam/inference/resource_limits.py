"""Limits on a network while it runs: it passed its trial on silence, but its cost may depend on its input."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Final

import onnxruntime
import psutil

BASE_S: Final = 10.0
PER_WINDOW_S: Final = 0.5
"""A hundred times what a large network takes for a window on one core."""
LEAST_MEMORY_BYTES: Final = 2**30
_LOOK_EVERY_S: Final = 0.5


def bound_memory(options: onnxruntime.SessionOptions) -> None:
    """Have a session allocate its memory from the arena of this process, which is bounded.

    If a network asks for more, its run fails, and the process continues.
    """
    _make_arena()
    options.add_session_config_entry("session.use_env_allocators", "1")


@cache
def _make_arena() -> None:
    """Create the arena, once per process: half of the memory that is free now, 1 GB at least."""
    limit = max(LEAST_MEMORY_BYTES, psutil.virtual_memory().available // 2)
    memory = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg({"max_mem": limit})
    onnxruntime.create_and_register_allocator(memory, arena)


class TimeLimit:
    """Ends the runs of one network that take too long. After that, the network is not run again."""

    def __init__(self) -> None:
        self._over = False

    @contextmanager
    def of(self, windows: int) -> Iterator[onnxruntime.RunOptions]:
        """The options for a run on `windows` windows. Raises TimeoutError if this or an earlier run had to be ended."""
        limit_s = BASE_S + PER_WINDOW_S * windows
        if self._over:
            raise TimeoutError("it took too long before, and is not run again")
        options = onnxruntime.RunOptions()
        options.log_severity_level = 4
        deadline_s = time.monotonic() + limit_s
        _watched[id(options)] = deadline_s, options
        _watch()
        try:
            yield options
        except Exception:
            if options.terminate:
                self._over = True
                count = "1 window" if windows == 1 else f"{windows} windows"
                raise TimeoutError(f"it took more than {limit_s:.0f} s for {count}") from None
            raise
        finally:
            del _watched[id(options)]


_watched: dict[int, tuple[float, onnxruntime.RunOptions]] = {}


@cache
def _watch() -> None:
    """Start the thread that looks after all runs of this process; a thread per run would cost more than most runs."""
    threading.Thread(target=_end_what_is_late, name="network time limit", daemon=True).start()


def _end_what_is_late() -> None:
    while True:
        time.sleep(_LOOK_EVERY_S)
        for deadline_s, options in list(_watched.values()):
            if time.monotonic() > deadline_s:
                options.terminate = True
