"""Reading, making, changing and deleting annotations. All browsers follow every change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from console.accounts.visitor import Visitor
from console.live.notices import Notices
from console.services.annotations.channels import own_node, require_channel
from console.services.annotations.conflict import AnnotationConflictError
from console.services.annotations.models import (
    AnnotationChange,
    AnnotationCounts,
    AnnotationList,
    AnnotationRequest,
    AnnotationsChanged,
    AnnotationSearch,
    AnnotationView,
    DayTagView,
    TagCountView,
)
from console.services.node_state import NodeView
from tidzam.accounts.audit import AuditAction, record
from tidzam.annotations.rules import AnnotationContent, checked
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.store.annotations import (
    NewAnnotation,
    add_annotations,
    change_annotation,
    content_of,
    locked_annotation,
)
from tidzam.store.database import Store
from tidzam.store.queries.annotations import (
    AnnotationCriteria,
    annotations_by_id,
    annotations_page,
    annotations_per_day,
)
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow

EVENT: Final = "annotations"
"""The event of a change, an `AnnotationsChanged`."""
_AT_ONCE: Final = 500
"""Annotations in one event, or in one statement."""


@dataclass(frozen=True, kw_only=True)
class AnnotationService:
    """The annotations of the store. `node` returns the state of the node, `zone` is that of its clock."""

    store: Store
    settings: Settings
    zone: ZoneInfo
    notices: Notices
    node: Callable[[], NodeView]
    now: Callable[[], datetime]

    def find(self, wanted: AnnotationSearch, *, limit: int = 500, before: str | None = None) -> AnnotationList:
        """The annotations that are wanted and begin last, or the next page of them. Raises RequestError."""
        try:
            cursor = None if before is None else TimeCursor.parse(before)
        except ValueError:
            hint = "Send the `next` of the page before."
            raise RequestError("before: it is no page.", hint=hint, code="request", field="before") from None
        with self.store.read() as session:
            page = annotations_page(session, self.criteria(wanted), limit=limit, before=cursor)
        items = tuple(map(AnnotationView.of, page.annotations))
        return AnnotationList(items=items, next=None if page.next is None else str(page.next))

    def count(self, wanted: AnnotationSearch) -> AnnotationCounts:
        """How many annotations there are per local day and tag."""
        with self.store.read() as session:
            days = annotations_per_day(session, self.criteria(wanted))
        by_tag: Counter[str] = Counter()
        for one in days:
            by_tag[one.tag] += one.annotations
        frequent = sorted(by_tag.items(), key=lambda item: (-item[1], item[0]))
        return AnnotationCounts(
            days=tuple(DayTagView(day=one.day, tag=one.tag, annotations=one.annotations) for one in days),
            tags=tuple(TagCountView(tag=tag, annotations=number) for tag, number in frequent),
        )

    def criteria(self, wanted: AnnotationSearch) -> AnnotationCriteria:
        """What a filter means."""
        return AnnotationCriteria(
            node=own_node(self.settings),
            channel=wanted.channel,
            tags=wanted.tag or None,
            since=wanted.since,
            until=wanted.until,
        )

    def add(self, visitor: Visitor, request: AnnotationRequest) -> AnnotationView:
        """Make an annotation. Raises RequestError (`request`)."""
        content = checked(
            AnnotationContent(
                start=request.start,
                end=request.end,
                tag=request.tag,
                low_hz=request.low_hz,
                high_hz=request.high_hz,
            )
        )
        channel = require_channel(self.store, self.settings, self.node(), request.channel)
        new = NewAnnotation(channel_id=channel, content=content)
        with self.store.write() as session:
            made = self.add_all(session, visitor, [new], AnnotationOrigin.MANUAL)
        self.tell(made)
        return made[0]

    def add_all(
        self, session: Session, visitor: Visitor, new: Sequence[NewAnnotation], origin: AnnotationOrigin
    ) -> tuple[AnnotationView, ...]:
        """Make valid annotations within a transaction, after which the caller must `tell` of them."""
        now = self.now()
        numbers = add_annotations(session, new, origin=origin, user_id=visitor.user_id, zone=self.zone, now=now)
        made = _views(session, numbers)
        if origin is not AnnotationOrigin.IMPORT:
            for one in made:
                record(session, visitor.actor, AuditAction.ANNOTATION_ADDED, str(one.id), now=now, **_said(one))
        return made

    def change(self, visitor: Visitor, number: int, change: AnnotationChange) -> AnnotationView:
        """Change a version of an annotation. Raises RequestError (`request`) and AnnotationConflictError."""
        now = self.now()
        with self.store.write() as session:
            row = _require_version(session, number, change.version)
            before = _views(session, [number])[0]
            content = checked(replace(content_of(session, row), **_changes(change)))
            change_annotation(session, row, content, zone=self.zone, now=now)
            (after,) = _views(session, [number])
            detail = {name: f"{old} → {_said(after)[name]}" for name, old in _said(before).items()}
            changed = {name: text for name, text in detail.items() if _said(before)[name] != _said(after)[name]}
            record(session, visitor.actor, AuditAction.ANNOTATION_CHANGED, str(number), now=now, **changed)
        self.tell([after])
        return after

    def delete(self, visitor: Visitor, number: int, version: int) -> None:
        """Delete a version of an annotation. Raises AnnotationConflictError."""
        with self.store.write() as session:
            row = _require_version(session, number, version)
            said = _said(_views(session, [number])[0])
            session.delete(row)
            record(session, visitor.actor, AuditAction.ANNOTATION_DELETED, str(number), now=self.now(), **said)
        self.notices.add(EVENT, AnnotationsChanged(changed=(), deleted=(number,)))

    def tell(self, changed: Sequence[AnnotationView]) -> None:
        """Notify all browsers of annotations that were made or changed."""
        for first in range(0, len(changed), _AT_ONCE):
            part = tuple(changed[first : first + _AT_ONCE])
            self.notices.add(EVENT, AnnotationsChanged(changed=part, deleted=()))


def _views(session: Session, numbers: Sequence[int]) -> tuple[AnnotationView, ...]:
    groups = (numbers[first : first + _AT_ONCE] for first in range(0, len(numbers), _AT_ONCE))
    return tuple(AnnotationView.of(one) for group in groups for one in annotations_by_id(session, group))


def _require_version(session: Session, number: int, version: int) -> AnnotationRow:
    """An annotation that nobody else changes until the transaction ends. Raises AnnotationConflictError."""
    row = locked_annotation(session, number)
    if row is None:
        raise AnnotationConflictError(None)
    if row.version != version:
        raise AnnotationConflictError(_views(session, [number])[0])
    return row


def _changes(change: AnnotationChange) -> dict[str, Any]:
    """The fields to set. A bound may be set to None, which the other fields cannot be."""
    sent = change.model_dump(include=change.model_fields_set - {"version"})
    return {name: value for name, value in sent.items() if value is not None or name in ("low_hz", "high_hz")}


def _said(view: AnnotationView) -> dict[str, str]:
    """What an annotation says, for the audit log."""
    said = {"channel": view.channel, "start": view.start.isoformat(), "end": view.end.isoformat(), "tag": view.tag}
    low, high = ("open" if bound is None else f"{bound:g} Hz" for bound in (view.low_hz, view.high_hz))
    return said | {"low": low, "high": high}
