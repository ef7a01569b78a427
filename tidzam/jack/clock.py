"""Reads JACK's frame clock and the system clock at the same instant."""

from __future__ import annotations

import time
from typing import Final

import jack

from tidzam.audio.timeline import ClockPair
from tidzam.jack.ring import wrapped_difference

_TRIES: Final = 5
_TIGHT_S: Final = 0.0002


def read_clocks(client: jack.Client, near: int) -> ClockPair | None:
    """A reading of both clocks; None if this thread was interrupted, or the clock set, in every attempt.

    `near` is a recent frame in 64 bits, which resolves the wrap-around of JACK's 32-bit clock.
    """
    for _ in range(_TRIES):
        before = time.time()
        frame = client.frame_time
        after = time.time()
        if 0 <= after - before < _TIGHT_S:
            return ClockPair(near + wrapped_difference(frame, near), (before + after) / 2)
    return None
