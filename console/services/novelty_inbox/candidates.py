"""The detections of novel sounds that nobody has judged."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.services.novelty_inbox.models import MOST_SOUNDS
from tidzam.bundle import NOVEL
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.queries.detections import DetectionCriteria, StoredDetection, latest_detections
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.models import ClassRow

_PAGES = 5
"""Queries of the store: of many detections that were judged, some pages are short."""


def unjudged(session: Session, *, limit: int = MOST_SOUNDS) -> list[StoredDetection]:
    """The newest of them, the newest first. Those that still go on are left out."""
    numbers = session.scalars(select(ClassRow.id).where(ClassRow.label == NOVEL)).all()
    criteria = DetectionCriteria(classes=numbers, verdicts=[None])
    found: list[StoredDetection] = []
    before: TimeCursor | None = None
    for _ in range(_PAGES):
        page = latest_detections(session, criteria, limit=limit - len(found), before=before)
        found += [one for one in page.detections if not one.is_open]
        before = page.next
        if before is None or len(found) >= limit:
            break
    return found


def locked(session: Session, numbers: Collection[int], *, is_judged: bool) -> list[DetectionRow]:
    """Those of these detections that are novel and judged, or not, which nobody else changes until the transaction
    ends."""
    row = DetectionRow
    query = (
        select(row)
        .join(ClassRow, ClassRow.id == row.class_id)
        .where(row.id.in_(numbers), ClassRow.label == NOVEL)
        .where(row.verdict.is_not(None) if is_judged else row.verdict.is_(None))
        .order_by(row.id)
        .with_for_update(of=row)
    )
    return list(session.scalars(query))
