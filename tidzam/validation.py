"""Pydantic's validation errors in words, for settings, messages and manifests alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED: Final[Mapping[str, str]] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a mapping of names to values",
    "enum": "{expected}",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "int_type": "an integer",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "list_type": "a list",
    "literal_error": "{expected}",
    "model_attributes_type": "a mapping of names to values",
    "model_type": "a mapping of names to values",
    "path_type": "a path",
    "string_pattern_mismatch": "text that matches {pattern}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "{min_length} or more characters",
    "string_type": "text",
    "too_long": "at most {max_length} values",
    "too_short": "{min_length} or more values",
    "tuple_type": "a list",
}
"""What a value should have been, by Pydantic's type of the error."""


def reason(fault: ErrorDetails) -> str:
    """What is wrong, as a clause without the value found: `expected at least 1`. Our own messages stay as they are."""
    kind, details = fault["type"], fault.get("ctx", {})
    if kind == "missing":
        return "it is missing"
    if kind == "extra_forbidden":
        return "the name is unknown"
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind].format_map(details)}"
    message = fault["msg"].removeprefix("Value error, ")
    return message if kind == "value_error" else f"{message[0].lower()}{message[1:]}"
