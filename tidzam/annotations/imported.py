"""What files of annotations have in common: their rows, and how the numbers and times in them are read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, NoReturn

from tidzam.annotations.rules import AnnotationContent, checked
from tidzam.errors import DatasetError, RequestError
from tidzam.tables import Row, number, quoted

FILE: Final = Path("the file")
"""What errors call the file, whose name is not known."""
DECIMAL_COMMA: Final = re.compile(r"[+-]?\d*,\d+", re.ASCII)
"""A number as people write it in much of the world, which is ambiguous between commas."""
_FORMULAS: Final = ("=", "+", "-", "@")


@dataclass(frozen=True)
class ImportedAnnotation:
    """An annotation of a file: the number of its line, from 1, and the channel that the line names, if it does."""

    line: int
    content: AnnotationContent
    channel: str | None = None


def annotation_of(
    row: Row, start: datetime, end: datetime, tag: str, low_hz: float | None, high_hz: float | None
) -> AnnotationContent:
    """What a row says. Raises DatasetError with its line if the annotation is invalid."""
    try:
        return checked(AnnotationContent(start=start, end=end, tag=tag, low_hz=low_hz, high_hz=high_hz))
    except RequestError as error:
        raise row.fault(str(error).rstrip(".")) from None


def number_in(row: Row, column: str) -> float:
    """The number in a column. Raises DatasetError with the line."""
    text = row.get(column)
    found = number(text)
    if found is None:
        refuse_number(row, column, text)
    return found


def refuse_number(row: Row, column: str, text: str) -> NoReturn:
    """Raises DatasetError with the line."""
    if DECIMAL_COMMA.fullmatch(text):
        raise row.fault(f"{column} is {quoted(text)}; write decimals with a point, as {text.replace(',', '.')}")
    raise row.fault(f"{column} is {quoted(text)}, expected a number")


def optional_number(row: Row, column: str) -> float | None:
    """The number in a column; None if it is empty. Raises DatasetError with the line."""
    return number_in(row, column) if row.get(column) else None


def after(origin: datetime | None, seconds: float, row: Row) -> datetime:
    """The time `seconds` after the beginning of a sound. Raises DatasetError if that is not known, or impossible."""
    if origin is None:
        raise DatasetError(
            f"Line {row.line} of {row.path} counts seconds, but it is not known when the sound begins.",
            hint="State it: origin, in ISO 8601 with a time zone.",
            code="dataset_list",
        )
    try:
        return origin + timedelta(seconds=seconds)
    except OverflowError:
        raise row.fault(f"there is no time {seconds:g} s after {origin:%Y-%m-%d}") from None


def plain(text: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from computing it."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_FORMULAS) else text
