"""The end of a process callback in Python, before its JACK client is closed."""

from __future__ import annotations

import time
from typing import Final

_CYCLE_S: Final = 0.5
"""How long a cycle may take; a server that is stalled runs none."""
_POLL_S: Final = 0.002


class CallbackEnd:
    """Makes a process callback do nothing, so that its client can be deactivated or closed.

    libjack then cancels the thread of the callback, wherever it is. If it is in the interpreter, it never releases the
    GIL, and the process hangs. The callback must begin with::

        if self._end.is_wanted:
            self._end.confirm()
            return
    """

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether the callback has to return immediately."""
        self._is_reached = False

    def confirm(self) -> None:
        """Called by the callback when the end is wanted."""
        self._is_reached = True

    def want(self) -> None:
        """Have the callback do nothing from the next cycle on."""
        self.is_wanted = True

    def reach(self) -> None:
        """Return once a cycle has run in which the callback did nothing, or after half a second without a cycle."""
        self.want()
        deadline_s = time.monotonic() + _CYCLE_S
        while not self._is_reached and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
