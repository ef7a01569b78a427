"""Ways of doing the same work, timed in turns, so that other load on the machine slows all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def take_turns(ways: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, float]:
    """The median of the seconds that each way takes, over `rounds` rounds in which each has one turn.

    A round before these warms up, and does not count.
    """
    took_s: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            began_s = time.perf_counter()
            way()
            if number:
                took_s[name].append(time.perf_counter() - began_s)
    return {name: statistics.median(times) for name, times in took_s.items()}
