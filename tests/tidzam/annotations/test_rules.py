"""Which annotations are valid."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tidzam.annotations.rules import AnnotationContent, checked
from tidzam.errors import RequestError

START = datetime(2026, 5, 1, 4, 30, tzinfo=UTC)


def content(**changes: Any) -> AnnotationContent:
    return AnnotationContent(**{"start": START, "end": START + timedelta(seconds=2), "tag": "wren", **changes})


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"end": START}, "end"),
        ({"end": START - timedelta(seconds=1)}, "end"),
        ({"end": START + timedelta(days=1, seconds=1)}, "end"),
        ({"start": datetime(2026, 5, 1, 4, 30)}, "start"),
        ({"start": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=9)))}, "start"),
        ({"low_hz": 3000.0, "high_hz": 3000.0}, "low_hz"),
        ({"low_hz": 3000.0, "high_hz": 2000.0}, "low_hz"),
        ({"low_hz": -1.0}, "low_hz"),
        ({"high_hz": float("nan")}, "high_hz"),
        ({"tag": " "}, "tag"),
        ({"tag": "birds/wren"}, "tag"),
        ({"tag": "unknown"}, "tag"),
    ],
)
def test_an_annotation_that_is_wrong_is_refused_with_its_field(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as refused:
        checked(content(**wrong))
    assert refused.value.field == field


@pytest.mark.parametrize("bounds", [{}, {"low_hz": 2000.0}, {"high_hz": 8000.0}, {"low_hz": 0.0, "high_hz": 8000.0}])
def test_bounds_may_be_open(bounds: dict[str, float]) -> None:
    assert checked(content(**bounds)) == content(**bounds)


def test_a_day_is_not_too_long() -> None:
    assert checked(content(end=START + timedelta(days=1))).end == START + timedelta(days=1)


def test_times_are_those_of_utc() -> None:
    there = START.astimezone(timezone(timedelta(hours=2)))
    assert checked(content(start=there)).start.tzinfo == UTC


def test_a_tag_has_one_spelling() -> None:
    assert checked(content(tag=" me\u0301sange ")).tag == "mésange"
