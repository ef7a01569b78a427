"""Which classes are heard at present, on any channel."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from tidzam.results import DetectionChange


class Presence:
    """Follows the changes of detections, of which some may be missing.

    A detection that was not confirmed for `forget_s` seconds is regarded as ended. A class includes those below it.
    """

    def __init__(self, *, forget_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._forget_s, self._clock = forget_s, clock
        self._heard: dict[str, tuple[tuple[str, ...], float]] = {}

    def follow(self, changes: Sequence[DetectionChange]) -> dict[str, bool]:
        """The classes that these changes are about, and whether each is heard after them."""
        now = self._clock()
        self._heard = {key: value for key, value in self._heard.items() if now - value[1] < self._forget_s}
        for change in changes:
            found = change.detection
            if change.kind == "end":
                self._heard.pop(found.id, None)
            else:
                self._heard[found.id] = found.path, now
        present = {label for path, _ in self._heard.values() for label in path}
        return {label: label in present for change in changes for label in change.detection.path}
