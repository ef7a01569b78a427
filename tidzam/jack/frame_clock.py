"""How many frames have passed by JACK's clock, at any moment and not only at the beginning of a cycle."""

from __future__ import annotations

from collections.abc import Callable

from tidzam.jack.ring import wrapped_difference


class FrameClock:
    """Counts the frames since its first reading. `frame_time` returns JACK's frame time, of 32 bits.

    JACK's own estimate of its present frame time is not disturbed by a cycle that is late. A clock has to be read at
    least once in half a turn of its 32 bits (12 hours at 48 kHz), and by one thread.
    """

    def __init__(self, frame_time: Callable[[], int]) -> None:
        self._frame_time = frame_time
        self._last: int | None = None
        self._passed = 0

    def read(self) -> tuple[int, int]:
        """The present frame time, and the frames since the first reading."""
        frame = self._frame_time()
        if self._last is not None:
            self._passed += wrapped_difference(frame, self._last)
        self._last = frame
        return frame, self._passed
