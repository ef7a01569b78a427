"""Annotations of a file are added to the store: all of them or none, and each once."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.accounts.visitor import Visitor
from console.services.annotations.channels import require_channel
from console.services.annotations.service import AnnotationService
from console.services.models import ConsoleModel
from console.services.turns import Turns
from tidzam.accounts.audit import AuditAction, record
from tidzam.annotations.audacity import read_audacity
from tidzam.annotations.csv_table import read_csv
from tidzam.annotations.imported import ImportedAnnotation
from tidzam.annotations.raven import read_raven
from tidzam.annotations.rules import AnnotationContent
from tidzam.errors import DatasetError, RequestError
from tidzam.store.annotations import NewAnnotation
from tidzam.store.base import to_microseconds
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow

_Identity = tuple[int, int, int, str, float | None, float | None]
"""What makes an annotation the same as another one: channel, start and end in microseconds, tag and bounds."""


_TURNS: Final = Turns(1)
"""A large file takes some hundred megabytes of memory while it is read."""


class AnnotationFormat(StrEnum):
    """The format of a file of annotations."""

    CSV = "csv"
    RAVEN = "raven"
    AUDACITY = "audacity"


class ImportResult(ConsoleModel):
    """What became of the annotations of a file."""

    added: int = Field(description="Number of annotations that were added")
    duplicates: int = Field(description="Number of those that were there already, or came twice")


def import_annotations(
    service: AnnotationService,
    visitor: Visitor,
    raw: bytes,
    file_format: AnnotationFormat,
    *,
    channel: str | None,
    origin: datetime | None,
) -> ImportResult:
    """Add the annotations of a file. `channel` is that of lines that name none, `origin` the beginning of the sound in
    which they count seconds. Raises RequestError (`annotation_file`, `request`) with the line, and BusyError.
    """
    with _TURNS.one():
        highest_hz = service.settings.jack.rate_hz / 2
        found = _read(raw, file_format, origin, highest_hz)
        channels = {name: _channel(service, name, found) for name in {one.channel or channel for one in found}}
        new = [NewAnnotation(channel_id=channels[one.channel or channel], content=one.content) for one in found]
        with service.store.write() as session:
            known = _known(session, new, highest_hz)
            fresh = list[NewAnnotation]()
            for one in new:
                identity = _identity(one.channel_id, one.content, highest_hz)
                if identity not in known:
                    known.add(identity)
                    fresh.append(one)
            made = service.add_all(session, visitor, fresh, AnnotationOrigin.IMPORT)
            result = ImportResult(added=len(fresh), duplicates=len(new) - len(fresh))
            detail = {"added": str(result.added), "duplicates": str(result.duplicates), "format": file_format.value}
            subject = ", ".join(sorted(str(name) for name in channels))[:200]
            record(session, visitor.actor, AuditAction.ANNOTATIONS_IMPORTED, subject, now=service.now(), **detail)
        service.tell(made)
        return result


def _read(
    raw: bytes, file_format: AnnotationFormat, origin: datetime | None, highest_hz: float
) -> list[ImportedAnnotation]:
    try:
        match file_format:
            case AnnotationFormat.CSV:
                return read_csv(raw, origin)
            case AnnotationFormat.RAVEN:
                return read_raven(raw, origin, highest_hz=highest_hz)
            case AnnotationFormat.AUDACITY:
                return read_audacity(raw, origin)
    except DatasetError as error:
        hint = f"{error.hint} Nothing was added.".strip()
        raise RequestError(error.message, hint=hint, code="annotation_file") from None


def _channel(service: AnnotationService, name: str | None, found: Sequence[ImportedAnnotation]) -> int:
    """The number of a channel in the store. Raises RequestError with the first line that names it."""
    line = next(one.line for one in found if one.channel in (name, None))
    if name is None:
        message = f"Line {line} of the file names no channel."
        raise RequestError(message, hint="State the channel of all lines: channel.", code="annotation_file")
    try:
        return require_channel(service.store, service.settings, service.node(), name)
    except RequestError as error:
        if not any(one.channel == name for one in found):
            raise
        message = f"Line {line} of the file cannot be used: {error.message}"
        raise RequestError(message, hint=f"{error.hint} Nothing was added.", code="annotation_file") from None


def _known(session: Session, new: Sequence[NewAnnotation], highest_hz: float) -> set[_Identity]:
    """The annotations that the store has where the new ones are."""
    row, known = AnnotationRow, set[_Identity]()
    for channel, first, last in _periods(new):
        query = select(row.start, row.end, TagRow.name, row.low_hz, row.high_hz).join(TagRow, TagRow.id == row.tag_id)
        within = (row.channel_id == channel, row.start >= first, row.start <= last)
        for start, end, tag, low_hz, high_hz in session.execute(query.where(*within)):
            content = AnnotationContent(start=start, end=end, tag=tag, low_hz=low_hz, high_hz=high_hz)
            known.add(_identity(channel, content, highest_hz))
    return known


def _periods(new: Collection[NewAnnotation]) -> Iterator[tuple[int, datetime, datetime]]:
    """By channel, when the first and the last of the annotations begin."""
    for channel in sorted({one.channel_id for one in new}):
        starts = [one.content.start for one in new if one.channel_id == channel]
        yield channel, min(starts), max(starts) + timedelta(microseconds=1)


def _identity(channel: int, content: AnnotationContent, highest_hz: float) -> _Identity:
    """Bounds at 0 Hz and from half the sample rate on are as good as open, and Raven makes them so."""
    low_hz, high_hz = content.low_hz, content.high_hz
    return (
        channel,
        to_microseconds(content.start),
        to_microseconds(content.end),
        content.tag,
        None if not low_hz else round(low_hz, 3),
        None if high_hz is None or high_hz >= highest_hz else round(high_hz, 3),
    )
