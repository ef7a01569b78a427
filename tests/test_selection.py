"""Which modules a run imports: all that have tests for it, each in one part."""

from __future__ import annotations

import pytest

from tests.conftest import KINDS, ROOT, kind_of, modules_of
from tests.support.selection import FAST, REAL_TIME, UNIT, is_in_part, kinds_in, may_select, modules_of_tests

EXPRESSIONS = [FAST[1], REAL_TIME[1], UNIT[1], "unit or root"]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_module_is_in_one_part(expression: str) -> None:
    parts = [modules_of(expression, f"{number}/3") for number in (1, 2, 3)]
    assert sum(map(len, parts)) == len(frozenset.union(*parts))
    assert frozenset.union(*parts) == modules_of(expression, None)


def test_the_runs_of_all_tests_have_all_modules() -> None:
    assert modules_of(UNIT[1], None) | modules_of(REAL_TIME[1], None) == frozenset(modules_of_tests(ROOT))


def test_an_expression_that_is_not_known_has_all_modules() -> None:
    assert modules_of("unit or root", None) == frozenset(modules_of_tests(ROOT))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("end_to_end/test_node.py", {"e2e"}),
        ("tidzam/jack/test_feeder.py", {"jack"}),
        ("stream_manager/players/test_feeder_player.py", {"jack", "unit"}),
        ("tidzam/node/test_sound_card_fault.py", {"jack", "unit"}),
    ],
)
def test_the_kinds_of_a_module_are_its_own_and_those_of_its_markers(module: str, expected: set[str]) -> None:
    path = ROOT / module
    assert kinds_in(path.read_text(encoding="utf-8"), kind_of(path), KINDS) == expected


@pytest.mark.parametrize(
    ("expression", "kinds", "slow", "selected"),
    [
        (FAST[1], {"unit"}, False, True),
        (FAST[1], {"unit"}, True, False),
        (UNIT[1], {"unit"}, True, True),
        (UNIT[1], {"e2e"}, False, False),
        (REAL_TIME[1], {"jack", "unit"}, True, True),
        (REAL_TIME[1], {"unit"}, False, False),
    ],
)
def test_a_module_is_imported_if_a_test_of_it_may_be_selected(
    expression: str, kinds: set[str], slow: bool, selected: bool
) -> None:
    assert may_select(expression, kinds, slow=slow) is selected


@pytest.mark.parametrize("part", ["0/2", "3/2", "half"])
def test_another_part_is_refused(part: str) -> None:
    with pytest.raises(ValueError):
        is_in_part(0, part)
