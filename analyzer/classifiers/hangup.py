"""What SIGHUP means: a terminal that was closed, or a request to load something again."""

from __future__ import annotations

import os
from collections.abc import Callable

_STDIN = 0


def on_hangup(*, reload: Callable[[], None], end: Callable[[], None]) -> Callable[[], None]:
    """A handler of SIGHUP. It calls `end` if the program was started in a terminal that is closed, else `reload`."""
    in_terminal = os.isatty(_STDIN)

    def handle() -> None:
        if in_terminal and not os.isatty(_STDIN):
            end()
        else:
            reload()

    return handle
