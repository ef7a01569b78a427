"""Annotations as Raven selection tables: in seconds from the beginning of a sound, always with frequencies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from tidzam.annotations.imported import (
    FILE,
    ImportedAnnotation,
    after,
    annotation_of,
    number_in,
    optional_number,
    plain,
)
from tidzam.annotations.rules import AnnotationContent
from tidzam.errors import DatasetError
from tidzam.tables import Row, columns_of, parse_table

LABEL_COLUMNS: Final = (
    "Annotation",
    "Label",
    "Species",
    "Common Name",
    "Class",
    "Tag",
    "Tags",
    "Call Type",
    "Sound Type",
)
"""Columns in which labels are found by default; Raven itself has no fixed one."""
BEGIN: Final = "Begin Time (s)"
END: Final = "End Time (s)"
LOW: Final = "Low Freq (Hz)"
HIGH: Final = "High Freq (Hz)"
DATE: Final = "Begin Date Time"
COLUMNS: Final = ("Selection", "View", "Channel", BEGIN, END, LOW, HIGH, DATE, LABEL_COLUMNS[0])


def read_raven(raw: bytes, origin: datetime | None, *, highest_hz: float) -> list[ImportedAnnotation]:
    """The selections of a table in a sound that begins at `origin`, or by their column of dates if that is None.

    Bounds at 0 Hz and from `highest_hz` on are open: a selection always has both. One that is listed for several views
    comes several times. Raises DatasetError with the line.
    """
    rows = parse_table(raw, FILE, required=(BEGIN, END), separators=("\t", ",", ";", "|"))
    columns = columns_of(rows)
    label = next((name for name in LABEL_COLUMNS if name in columns), "")
    missing = [name for name in (BEGIN, END) if name not in columns] + [LABEL_COLUMNS[0]] * (not label)
    if rows and missing:
        raise DatasetError(
            f"The file has no column {missing[0]!r}; its columns are {', '.join(columns)}.",
            hint="Save it in Raven as a selection table, with a column of annotations.",
            code="dataset_list",
        )
    return [ImportedAnnotation(row.line, _content(row, label, origin, highest_hz)) for row in rows]


def raven_row(number: int, content: AnnotationContent, origin: datetime, *, highest_hz: float) -> tuple[str, ...]:
    """The cells of an annotation. Open bounds are at 0 Hz and at `highest_hz`."""
    low_hz = content.low_hz or 0.0
    high_hz = highest_hz if content.high_hz is None else content.high_hz
    return (
        str(number),
        "Spectrogram 1",
        "1",
        f"{(content.start - origin).total_seconds():.6f}",
        f"{(content.end - origin).total_seconds():.6f}",
        f"{low_hz:.3f}",
        f"{max(high_hz, low_hz):.3f}",
        content.start.isoformat(timespec="microseconds"),
        content.tag,
    )


def tab_lines(rows: Iterable[Iterable[str]]) -> bytes:
    """Rows as lines with tabs between the cells, which hold none: they are labels, numbers and times."""
    return "".join("\t".join(row) + "\n" for row in rows).encode()


def _content(row: Row, label: str, origin: datetime | None, highest_hz: float) -> AnnotationContent:
    begin_s, end_s = number_in(row, BEGIN), number_in(row, END)
    if origin is None and row.get(DATE):
        start = _date(row)
        end = after(start, end_s - begin_s, row)
    else:
        start, end = after(origin, begin_s, row), after(origin, end_s, row)
    low_hz, high_hz = optional_number(row, LOW), optional_number(row, HIGH)
    if high_hz is not None and high_hz >= highest_hz:
        high_hz = None
    return annotation_of(row, start, end, plain(row.get(label)), low_hz or None, high_hz)


def _date(row: Row) -> datetime:
    try:
        return datetime.fromisoformat(row.get(DATE))
    except ValueError:
        raise row.fault(f"{DATE} is {row.get(DATE)!r}, expected a time such as 2026-05-01T06:30:00+00:00") from None
