"""Ctrl-C and TERM between two steps: an interrupt inside TensorFlow, while it traces or saves, does damage."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Remember the first INT or TERM while the context is open; the second interrupts at once.

    Yields a function that returns whether a signal was received.
    """
    received = False

    def remember(number: int, frame: Any) -> None:
        nonlocal received
        received = True
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # another thread receives signals
        yield lambda: False
        return
    before = {number: signal.signal(number, remember) for number in SIGNALS}
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
