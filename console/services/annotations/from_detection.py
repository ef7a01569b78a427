"""A detection becomes an annotation in one step."""

from __future__ import annotations

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.accounts.visitor import Visitor
from console.services.annotations.models import AnnotationView, Frequency, TagName
from console.services.annotations.service import AnnotationService
from console.services.models import ConsoleModel
from tidzam.annotations.rules import AnnotationContent, checked
from tidzam.errors import RequestError
from tidzam.store.annotations import NewAnnotation
from tidzam.store.queries.annotations import annotations_by_id
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.models import ClassRow


class DetectionAnnotationRequest(ConsoleModel):
    """How a detection becomes an annotation."""

    tag: TagName | None = Field(None, description="What is heard; null for the label of the detection's class")
    low_hz: Frequency | None = Field(None, description="Lower frequency bound in Hz; null leaves it open")
    high_hz: Frequency | None = Field(None, description="Upper frequency bound in Hz; null leaves it open")


def annotate_detection(
    service: AnnotationService, visitor: Visitor, number: int, request: DetectionAnnotationRequest
) -> AnnotationView:
    """Make an annotation of the time and the channel of a detection. One that is there already is returned.

    Raises RequestError (`not_found`, `request`).
    """
    with service.store.write() as session:
        found = session.execute(
            select(DetectionRow, ClassRow.label)
            .join(ClassRow, ClassRow.id == DetectionRow.class_id)
            .where(DetectionRow.id == number)
            .with_for_update(of=DetectionRow)  # of two who press at once, one waits
        ).one_or_none()
        if found is None:
            raise RequestError("There is no such detection.", hint="It may have been removed.", code="not_found")
        row, label = found
        content = checked(
            AnnotationContent(
                start=row.start,
                end=row.end,
                tag=request.tag or label,
                low_hz=request.low_hz,
                high_hz=request.high_hz,
            )
        )
        known = _known(session, row.channel_id, content)
        if known is not None:
            return known
        new = NewAnnotation(channel_id=row.channel_id, content=content)
        made = service.add_all(session, visitor, [new], AnnotationOrigin.DETECTION)
    service.tell(made)
    return made[0]


def _known(session: Session, channel_id: int, content: AnnotationContent) -> AnnotationView | None:
    """The annotation that was made of the same detection with the same tag, if there is one."""
    row = AnnotationRow
    same = (row.channel_id == channel_id, row.start == content.start, row.end == content.end)
    query = select(row.id).join(TagRow, TagRow.id == row.tag_id).where(*same, TagRow.name == content.tag)
    numbers = session.scalars(query.where(row.origin == AnnotationOrigin.DETECTION).limit(1)).all()
    return next(map(AnnotationView.of, annotations_by_id(session, numbers)), None)
