"""Globs, and beginnings of names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidzam.patterns import matches


@pytest.mark.parametrize(
    ("name", "pattern", "expected"),
    [
        ("impoundment:out_3", "impoundment", True),
        ("impoundment-2:out_3", "impoundment-", True),
        ("impoundment:out_3", "impoundment:out_3", True),
        ("impoundment:out_30", "impoundment:out_3", False),
        ("impoundment:out_30", "impoundment:out_", True),
        ("pond2:out_0", "pond", True),
        ("birds-owl", "birds-", True),
        ("birds-2x", "birds-", True),
        ("herring:out_0", "impoundment", False),
        ("herring:out_0", "out_0", False),
        ("herring:out_0", "*:out_*", True),
        ("herring:monitor", "*:out_*", False),
        ("herring:out_10", "*:out_1", False),
        ("herring:out_0", "h?rring:out_[01]", True),
        ("herring:out_0", "h?rring", False),
        ("Herring:out_0", "herring*", False),
    ],
)
def test_a_pattern_is_a_glob_or_a_beginning(name: str, pattern: str, expected: bool) -> None:
    assert matches(name, [pattern]) is expected


def test_one_of_several_is_enough_and_none_means_nothing() -> None:
    assert matches("rain", ["birds-", "rain"])
    assert not matches("rain", [])


@given(st.text("ab0_-", min_size=1), st.text("xyz9", max_size=3))
def test_every_name_is_its_own_beginning(name: str, more: str) -> None:
    assert matches(name, [name])
    assert matches(f"{name}-{more}", [name])


def test_the_unicode_form_of_an_accent_does_not_matter() -> None:
    assert matches("m\u00e9sange", ["me\u0301s*"])
    assert matches("me\u0301sange", ["m\u00e9sange"])
