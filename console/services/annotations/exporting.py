"""Annotations as files for other programs, written while they are sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

from console.services.annotations.importing import AnnotationFormat
from console.services.annotations.models import AnnotationSearch
from console.services.annotations.sections import AnnotatedSection, annotated_sections, annotations_in_order
from console.services.annotations.service import AnnotationService
from console.services.exports.table import Row, cell, csv_lines
from tidzam.annotations.audacity import audacity_lines
from tidzam.annotations.csv_table import COLUMNS, csv_time
from tidzam.annotations.raven import COLUMNS as RAVEN_COLUMNS
from tidzam.annotations.raven import raven_row, tab_lines
from tidzam.annotations.rules import AnnotationContent
from tidzam.errors import RequestError
from tidzam.store.queries.annotations import StoredAnnotation

MEDIA_TYPES: Final = {
    AnnotationFormat.CSV: "text/csv; charset=utf-8",
    AnnotationFormat.RAVEN: "text/tab-separated-values; charset=utf-8",
    AnnotationFormat.AUDACITY: "text/tab-separated-values; charset=utf-8",
}
FILE_NAMES: Final = {
    AnnotationFormat.CSV: "annotations.csv",
    AnnotationFormat.RAVEN: "annotations.Table.1.selections.txt",
    AnnotationFormat.AUDACITY: "annotations.txt",
}
_FILE_COLUMNS: Final = (
    "file",
    "start",
    "end",
    "tag",
    "channel",
    "low_hz",
    "high_hz",
    "start_utc",
    "port",
    "annotation",
)
_ROWS: Final = 500
"""Rows that are sent at once."""


def export_annotations(
    service: AnnotationService,
    wanted: AnnotationSearch,
    file_format: AnnotationFormat,
    *,
    origin: datetime | None,
    names_files: bool = False,
) -> Iterator[bytes]:
    """The content of a file, in the order of time. With `names_files`, a CSV names the recordings, as training does.

    Raven and Audacity count seconds from `origin`, or from the beginning of the period. Raises RequestError (`request`)
    if neither is given, or no channel.
    """
    criteria = service.criteria(wanted)
    if file_format is AnnotationFormat.CSV and names_files:
        sections = annotated_sections(service.store, service.settings, criteria)
        return _csv(_FILE_COLUMNS, map(_section_row, sections))
    stored = annotations_in_order(service.store, criteria)
    if file_format is AnnotationFormat.CSV:
        return _csv((*COLUMNS, "author", "created", "changed", "origin"), map(_row, stored))
    begin = _required_origin(wanted, origin)
    if file_format is AnnotationFormat.AUDACITY:
        return (audacity_lines(_content(one), begin) for one in stored)
    return _raven(stored, begin, service.settings.jack.rate_hz / 2)


def _required_origin(wanted: AnnotationSearch, origin: datetime | None) -> datetime:
    if wanted.channel is None:
        message = "channel: Raven and Audacity know annotations of one sound only."
        raise RequestError(message, hint="Choose a channel, or CSV.", code="request", field="channel")
    begin = origin or wanted.since
    if begin is None:
        hint = "Send the beginning of the sound, or of a period."
        raise RequestError("origin: seconds need a time to count from.", hint=hint, code="request", field="origin")
    return begin


def _csv(columns: Row, rows: Iterator[Row]) -> Iterator[bytes]:
    yield csv_lines([columns])
    while part := list(islice(rows, _ROWS)):
        yield csv_lines(part)


def _raven(stored: Iterable[StoredAnnotation], origin: datetime, highest_hz: float) -> Iterator[bytes]:
    yield tab_lines([RAVEN_COLUMNS])
    for number, one in enumerate(stored, start=1):
        yield tab_lines([raven_row(number, _content(one), origin, highest_hz=highest_hz)])


def _content(stored: StoredAnnotation) -> AnnotationContent:
    return AnnotationContent(
        start=stored.start, end=stored.end, tag=stored.tag, low_hz=stored.low_hz, high_hz=stored.high_hz
    )


def _row(stored: StoredAnnotation) -> Row:
    return (
        cell(stored.channel),
        csv_time(stored.start),
        csv_time(stored.end),
        stored.low_hz,
        stored.high_hz,
        cell(stored.tag),
        cell(stored.author or ""),
        csv_time(stored.created),
        csv_time(stored.changed),
        stored.origin.name.lower(),
    )


def _section_row(section: AnnotatedSection) -> Row:
    stored = section.annotation
    return (
        cell(str(section.path)),
        f"{section.start_s:.6f}",
        f"{section.end_s:.6f}",
        cell(section.tag),
        section.channel,
        stored.low_hz,
        stored.high_hz,
        csv_time(stored.start),
        cell(stored.channel),
        stored.id,
    )
