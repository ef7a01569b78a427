"""Annotations as Audacity label tracks: in seconds from the beginning of a sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tidzam.annotations.imported import FILE, ImportedAnnotation, after, annotation_of, number_in
from tidzam.annotations.rules import AnnotationContent
from tidzam.tables import Row, fault, lines_of, parse_text

_BOUNDS: Final = "\\"
"""The beginning of the second line of a label, which has its frequencies."""
_UNKNOWN_HZ: Final = -1.0


@dataclass(frozen=True)
class _Label:
    row: Row
    bounds: Row | None


def read_audacity(raw: bytes, origin: datetime | None) -> list[ImportedAnnotation]:
    """The labels of a track of a sound that begins at `origin`. Raises DatasetError with the line."""
    return [ImportedAnnotation(label.row.line, _content(label, origin)) for label in _labels(parse_text(raw, FILE))]


def audacity_lines(content: AnnotationContent, origin: datetime) -> bytes:
    """The lines of an annotation: the second one if it has bounds, of which an open one is -1."""
    start_s, end_s = ((time - origin).total_seconds() for time in (content.start, content.end))
    lines = f"{start_s:.6f}\t{end_s:.6f}\t{content.tag}\n"
    if content.low_hz is not None or content.high_hz is not None:
        low, high = (_UNKNOWN_HZ if one is None else one for one in (content.low_hz, content.high_hz))
        lines += f"{_BOUNDS}\t{low:.6f}\t{high:.6f}\n"
    return lines.encode()


def _labels(text: str) -> Iterator[_Label]:
    waiting: Row | None = None
    for line, content in lines_of(text):
        if not content.strip():
            continue
        cells = [cell.strip() for cell in content.split("\t")]
        if cells[0] == _BOUNDS:
            if waiting is None:
                raise fault(FILE, line, "it has frequencies of no label")
            yield _Label(waiting, _row(line, ("low", "high"), cells[1:]))
            waiting = None
            continue
        if waiting is not None:
            yield _Label(waiting, None)
        waiting = _row(line, ("start", "end", "label"), cells)
    if waiting is not None:
        yield _Label(waiting, None)


def _row(line: int, names: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(names):
        raise fault(FILE, line, f"expected {', '.join(names)}, separated by tabs")
    return Row(FILE, line, dict(zip(names, cells, strict=True)))


def _content(label: _Label, origin: datetime | None) -> AnnotationContent:
    row = label.row
    start, end = (after(origin, number_in(row, column), row) for column in ("start", "end"))
    low_hz, high_hz = (_bound(label.bounds, column) for column in ("low", "high"))
    return annotation_of(row, start, end, row.get("label"), low_hz, high_hz)


def _bound(row: Row | None, column: str) -> float | None:
    found = None if row is None else number_in(row, column)
    return None if found is None or found < 0 else found
