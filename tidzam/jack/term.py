"""SIGTERM while libjack waits for its server."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def term_deferred() -> Iterator[None]:
    """SIGTERM has its effect when the block is left.

    A signal that interrupts libjack while it opens its client makes it call back into Python, where an exception that
    the signal's handler raises is lost: the process would go on. Threads that are started meanwhile never receive the
    signal.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
