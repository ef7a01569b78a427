"""The largest load that a machine bears, found by halving an interval. Pure."""

from __future__ import annotations

from collections.abc import Callable


def largest_that_holds(holds: Callable[[int], bool], *, low: int, high: int, step: int) -> int:
    """The largest multiple of `step` in `low … high` for which `holds`; 0 if there is none.

    Supposes that whatever exceeds a load that fails, fails as well. `low` and `high` are multiples of `step`.

    >>> largest_that_holds(lambda load: load <= 300, low=128, high=1024, step=32)
    288
    """
    if not holds(low):
        return 0
    if holds(high):
        return high
    while high - low > step:
        middle = (low + high) // 2 // step * step
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
