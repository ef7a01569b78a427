"""Ways take turns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from benchmarks.rounds import take_turns


def numbered() -> dict[str, Callable[[], int]]:
    """Two ways that return how many turns there were before."""
    numbers = count()
    return {name: lambda: next(numbers) for name in "ab"}


def test_each_way_has_one_turn_per_round_after_a_warm_up() -> None:
    assert take_turns(numbered(), rounds=2) == {"a": [2, 4], "b": [3, 5]}


def test_without_rounds_nothing_counts() -> None:
    assert take_turns(numbered(), rounds=0) == {"a": [], "b": []}
