"""What SIGHUP means to a server: a terminal that was closed, or a request to load something again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from tidzam.startup_signals import is_terminal_closed, take_hangup


def on_hangup(*, reload: Callable[[], None], end: Callable[[], None]) -> None:
    """From now on, SIGHUP calls `end` if the program was started in a terminal that is closed, else `reload`.

    One that arrived during the start counts, too. Call this in the event loop.
    """

    def handle() -> None:
        if is_terminal_closed():
            end()
        else:
            reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, handle)
    if take_hangup():
        handle()
