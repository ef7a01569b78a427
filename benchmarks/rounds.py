"""Ways of doing the same work, which take turns, so that other load on the machine slows all of them alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

_T = TypeVar("_T")


def take_turns(ways: Mapping[str, Callable[[], _T]], *, rounds: int) -> dict[str, list[_T]]:
    """What each way returns, over `rounds` rounds in which each has one turn.

    A round before these warms up, and does not count.
    """
    returned: dict[str, list[_T]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, way in ways.items():
            value = way()
            if number:
                returned[name].append(value)
    return returned
