"""Validation errors in words."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from tidzam.validation import reason


def _even(number: int) -> int:
    if number % 2:
        raise ValueError(f"{number} is odd")
    return number


class Frog(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(min_length=2, max_length=5, pattern="^[a-z]+$")] = "bob"
    legs: Annotated[int, Field(ge=1, le=4)] = 4
    weight: Annotated[float, Field(gt=0, lt=9, allow_inf_nan=False)] = 1.0
    wet: bool = True
    color: Literal["green", "brown"] = "green"
    songs: Annotated[tuple[str, ...], Field(min_length=1, max_length=2)] = ("croak",)
    pond: Path = Path()
    eggs: Annotated[int, AfterValidator(_even)] = 2


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("name", "a", "expected 2 or more characters"),
        ("name", "abcdef", "expected at most 5 characters"),
        ("name", "ABC", "expected text that matches ^[a-z]+$"),
        ("name", 7, "expected text"),
        ("legs", 0, "expected at least 1"),
        ("legs", 5, "expected at most 4"),
        ("legs", "many", "expected an integer"),
        ("legs", 1.5, "expected an integer"),
        ("weight", 0, "expected more than 0.0"),
        ("weight", 9, "expected less than 9.0"),
        ("weight", float("nan"), "expected a finite number"),
        ("weight", "heavy", "expected a number"),
        ("wet", "perhaps", "expected true or false"),
        ("color", "red", "expected 'green' or 'brown'"),
        ("songs", [], "expected 1 or more values"),
        ("songs", ["a", "b", "c"], "expected at most 2 values"),
        ("songs", 1, "expected a list"),
        ("eggs", 3, "3 is odd"),
        ("wings", 2, "the name is unknown"),
    ],
)
def test_a_fault_names_what_was_expected(name: str, value: Any, expected: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Frog.model_validate({name: value})
    assert reason(refused.value.errors()[0]) == expected


def test_a_section_is_a_mapping() -> None:
    with pytest.raises(ValidationError) as refused:
        Frog.model_validate([1])
    assert reason(refused.value.errors()[0]) == "expected a mapping of names to values"
