"""Annotations as CSV: a row per annotation, with absolute times."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from tidzam.annotations.imported import (
    DECIMAL_COMMA,
    FILE,
    ImportedAnnotation,
    after,
    annotation_of,
    optional_number,
    plain,
    refuse_number,
)
from tidzam.errors import DatasetError
from tidzam.tables import Row, columns_of, number, parse_table

COLUMNS: Final = ("channel", "start", "end", "low_hz", "high_hz", "tag")
"""What is read. `label` may stand for `tag`; only `start`, `end` and one of these are required."""


def read_csv(raw: bytes, origin: datetime | None) -> list[ImportedAnnotation]:
    """The annotations of a table, whatever separates its columns. Times are in ISO 8601 with a time zone, or in seconds
    from `origin` on. Raises DatasetError with the line.
    """
    rows = parse_table(raw, FILE, any_case=True)
    columns = columns_of(rows)
    missing = [name for name in ("start", "end") if name not in columns]
    missing += [] if {"tag", "label"} & {*columns} else ["tag"]
    if rows and missing:
        raise DatasetError(
            f"The file has no column {missing[0]}; its columns are {', '.join(columns)}.",
            hint=f"Begin it with the line: {','.join(COLUMNS)}",
            code="dataset_list",
        )
    return [_annotation(row, origin) for row in rows]


def csv_time(time: datetime) -> str:
    """A time as the table has it: in UTC, to the microsecond."""
    return time.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _annotation(row: Row, origin: datetime | None) -> ImportedAnnotation:
    start, end = (_time(row, column, origin) for column in ("start", "end"))
    bounds = (optional_number(row, column) for column in ("low_hz", "high_hz"))
    content = annotation_of(row, start, end, plain(row.get("tag", "label")), *bounds)
    return ImportedAnnotation(row.line, content, plain(row.get("channel")) or None)


def _time(row: Row, column: str, origin: datetime | None) -> datetime:
    text = row.get(column)
    seconds = number(text)
    if seconds is not None:
        return after(origin, seconds, row)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if DECIMAL_COMMA.fullmatch(text):
            refuse_number(row, column, text)
        raise row.fault(f"{column} is {text!r}, expected a time such as 2026-05-01T06:30:00Z, or seconds") from None
