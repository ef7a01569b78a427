"""Which modules have tests that a run selects: the others are not even imported."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path

REAL_TIME = ("-m", "jack or e2e")
"""Arguments that select the tests that wait for audio, in real time."""
UNIT = ("-m", "unit")
FAST = ("-m", "unit and not slow")


def may_select(expression: str, kinds: Collection[str], *, slow: bool) -> bool:
    """Whether the expression of `-m` may select tests of a module that has these kinds of tests.

    Only the expressions above are understood; any other may select every test.
    """
    match expression:
        case "jack or e2e":
            return not {"jack", "e2e"}.isdisjoint(kinds)
        case "unit":
            return "unit" in kinds
        case "unit and not slow":
            return "unit" in kinds and not slow
    return True


def kinds_in(text: str, default: str, known: Collection[str]) -> frozenset[str]:
    """The kinds of the tests in a module with this source text: `default`, and those by which tests are marked."""
    return frozenset({default, *(kind for kind in known if f"mark.{kind}" in text)})


def is_in_part(number: int, part: str | None) -> bool:
    """Whether the module with this number belongs to the part `K/N`: every N-th one, from the K-th on.

    Raises ValueError for anything but two numbers of which the first is 1 to the second.
    """
    if part is None:
        return True
    chosen, count = (int(word) for word in part.split("/"))
    if not 1 <= chosen <= count:
        raise ValueError(f"the part is {part}, expected for example 1/2 or 2/2")
    return number % count == chosen - 1


@cache
def modules_of_tests(root: Path) -> tuple[Path, ...]:
    """All modules of tests, in an order that does not depend on the machine."""
    return tuple(sorted(root.rglob("test_*.py")))
