"""Whether JACK calls a client in its cycles, judged by the frames of both. Pure."""

from __future__ import annotations

from tidzam.jack.ring import wrapped_difference


class CallbackWatch:
    """Notices that the process callback has not run for `limit_frames` of JACK's clock.

    A client that was opened after another one could not be opened may never be called: the clients before it in the
    graph wake the one that failed (jack2, issue 721). It is called again once it has been closed and opened.
    """

    def __init__(self, limit_frames: int) -> None:
        self._limit = limit_frames
        self._written: int | None = None
        self._since = 0

    def is_forgotten(self, cycle: int, written: int) -> bool:
        """Whether the callback was not called for too long: `cycle` is the frame of JACK's last cycle, in 32 bits;
        `written` is how far the callback has come."""
        if written != self._written:
            self._written, self._since = written, cycle
        return wrapped_difference(cycle, self._since) > self._limit
