"""What people say about novel sounds: a name, that they are not interesting, or that it was a mistake."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.accounts.visitor import Visitor
from console.services.annotations.models import AnnotationsChanged, AnnotationView
from console.services.annotations.service import EVENT, AnnotationService
from console.services.novelty_inbox.candidates import locked
from console.services.novelty_inbox.models import NoveltyAnswer
from console.services.verdicts import subject_of
from tidzam.accounts.audit import AuditAction, record
from tidzam.annotations.rules import AnnotationContent, checked, checked_tag
from tidzam.bundle import NOVEL
from tidzam.errors import RequestError
from tidzam.store.annotations import NewAnnotation, add_annotations
from tidzam.store.lookups import SEPARATOR, NameTables
from tidzam.store.queries.annotations import annotations_by_id
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict
from tidzam.store.tables.models import ClassRow
from tidzam.store.verification import verify, withdraw

_GROUP: Final = 500
"""Numbers in one statement."""


def name_sounds(service: AnnotationService, visitor: Visitor, numbers: Collection[int], tag: str) -> NoveltyAnswer:
    """Annotate novel sounds with a tag, and judge them as that class. Raises RequestError (`request`)."""
    tag = checked_tag(tag)
    if tag == NOVEL:
        message, hint = f"tag: {NOVEL!r} stands for what has no name yet.", "Enter what is heard."
        raise RequestError(message, hint=hint, code="request", field="tag")
    names, path = NameTables(), _path_of(service, tag)
    names.learn_classes(service.store, [path])
    now = service.now()
    with service.store.write() as session:
        rows = locked(session, numbers, is_judged=False)
        found = [row.id for row in rows]
        new = [NewAnnotation(channel_id=row.channel_id, content=_content(row, tag)) for row in rows]
        made = add_annotations(
            session, new, origin=AnnotationOrigin.DETECTION, user_id=visitor.user_id, zone=service.zone, now=now
        )
        verify(
            session,
            found,
            DetectionVerdict.OTHER_CLASS,
            user_id=visitor.user_id,
            now=now,
            class_id=names.label_class(path),
        )
        views = _views(session, made)
        if found:
            record(session, visitor.actor, AuditAction.NOVELTY_NAMED, subject_of(found), now=now, tag=tag)
    service.tell(views)
    return NoveltyAnswer(ids=tuple(found), skipped=len({*numbers}) - len(found), annotations=len(made))


def dismiss_sounds(service: AnnotationService, visitor: Visitor, numbers: Collection[int]) -> NoveltyAnswer:
    """Judge novel sounds as wrong: they are nothing unusual."""
    now = service.now()
    with service.store.write() as session:
        found = [row.id for row in locked(session, numbers, is_judged=False)]
        verify(session, found, DetectionVerdict.WRONG, user_id=visitor.user_id, now=now)
        if found:
            record(session, visitor.actor, AuditAction.NOVELTY_DISMISSED, subject_of(found), now=now)
    return NoveltyAnswer(ids=tuple(found), skipped=len({*numbers}) - len(found), annotations=0)


def restore_sounds(
    service: AnnotationService, visitor: Visitor, numbers: Collection[int], tag: str | None
) -> NoveltyAnswer:
    """Take back the visitor's verdicts on novel sounds, and delete the annotations with `tag` that came with them, as
    far as nobody has changed them."""
    now = service.now()
    with service.store.write() as session:
        rows = locked(session, numbers, is_judged=True)
        found = [row.id for row in rows]
        withdraw(session, found, user_id=visitor.user_id)
        deleted = [] if tag is None else _delete(session, visitor, rows, checked_tag(tag))
        if found:
            record(session, visitor.actor, AuditAction.NOVELTY_RESTORED, subject_of(found), now=now)
    if deleted:
        service.notices.add(EVENT, AnnotationsChanged(changed=(), deleted=tuple(deleted)))
    return NoveltyAnswer(ids=tuple(found), skipped=len({*numbers}) - len(found), annotations=len(deleted))


def _path_of(service: AnnotationService, tag: str) -> tuple[str, ...]:
    """The class that a tag names: the only known one with this label, or else one of its own."""
    with service.store.read() as session:
        paths = session.scalars(select(ClassRow.path).where(ClassRow.label == tag).limit(2)).all()
    return tuple(paths[0].split(SEPARATOR)) if len(paths) == 1 else (tag,)


def _content(row: DetectionRow, tag: str) -> AnnotationContent:
    return checked(AnnotationContent(start=row.start, end=row.end, tag=tag))


def _views(session: Session, numbers: Sequence[int]) -> list[AnnotationView]:
    groups = (numbers[first : first + _GROUP] for first in range(0, len(numbers), _GROUP))
    return [AnnotationView.of(one) for group in groups for one in annotations_by_id(session, group)]


def _delete(session: Session, visitor: Visitor, rows: Collection[DetectionRow], tag: str) -> list[int]:
    """Delete the visitor's annotations that were made of these detections. Returns their numbers."""
    row = AnnotationRow
    sections = {(one.channel_id, one.start, one.end) for one in rows}
    query = (
        (
            select(row)
            .join(TagRow, TagRow.id == row.tag_id)
            .where(TagRow.name == tag, row.origin == AnnotationOrigin.DETECTION, row.version == 1)
            .where(row.user_id == visitor.user_id)
            .where(
                row.start >= min(start for _, start, _ in sections), row.start <= max(start for _, start, _ in sections)
            )
        )
        if sections
        else None
    )
    found = [] if query is None else session.scalars(query).all()
    gone = [one for one in found if (one.channel_id, one.start, one.end) in sections]
    numbers = [one.id for one in gone]
    for one in gone:
        session.delete(one)
    session.flush()
    return numbers
