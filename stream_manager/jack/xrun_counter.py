"""Counts what JACK reports as xruns, and distinguishes those of its driver from those of a client. Pure."""

from __future__ import annotations

import threading


class XrunCounter:
    """Counts xruns, and adds up the delays of the driver.

    JACK reports an xrun when its driver, such as a sound card, was late, and also when a client was; only the driver
    sets the delay, which JACK then keeps. A delay that has not changed is therefore that of an earlier xrun.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count, self._late_s, self._last_us = 0, 0.0, 0.0

    def add(self, delayed_us: float) -> None:
        """An xrun, with the delay that JACK reports."""
        with self._lock:
            self._count += 1
            if delayed_us != self._last_us:
                self._late_s += delayed_us / 1e6
                self._last_us = delayed_us

    def take(self) -> tuple[int, float]:
        """The number of xruns, and the seconds by which the driver was late, since the last call."""
        with self._lock:
            taken = self._count, self._late_s
            self._count, self._late_s = 0, 0.0
        return taken
