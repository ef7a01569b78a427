"""Ctrl-C, heeded between two steps: inside TensorFlow, tracing or saving, an interrupt does damage."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """Inside it, the first INT or TERM is only remembered: what is given tells. The second interrupts at once."""
    asked = False

    def remember(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        signal.signal(number, signal.default_int_handler)

    if threading.current_thread() is not threading.main_thread():  # signals go to another thread
        yield lambda: False
        return
    before = {number: signal.signal(number, remember) for number in SIGNALS}
    try:
        yield lambda: asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
