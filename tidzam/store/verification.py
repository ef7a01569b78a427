"""Judging, marking and removing detections; the counts follow in the same transaction."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tidzam.store.rollups import bucket_of, count
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict, VerificationRow


def verify(
    session: Session,
    detections: Collection[int],
    verdict: DetectionVerdict,
    *,
    user_id: int | None,
    now: datetime,
    class_id: int | None = None,
) -> int:
    """Judge detections by their numbers. Returns how many there are.

    `class_id` is what is heard instead, with the verdict OTHER_CLASS. Raises ValueError if it comes with another one.
    """
    if class_id is not None and verdict is not DetectionVerdict.OTHER_CLASS:
        raise ValueError(f"another class comes with the verdict OTHER_CLASS, not {verdict.name}")
    found = _set_verdict(session, detections, verdict)
    session.add_all(
        VerificationRow(detection_id=number, user_id=user_id, created=now, verdict=verdict, class_id=class_id)
        for number in found
    )
    return len(found)


def withdraw(session: Session, detections: Collection[int]) -> int:
    """Forget all verdicts on detections. Returns how many detections there are."""
    found = _set_verdict(session, detections, None)
    session.execute(delete(VerificationRow).where(VerificationRow.detection_id.in_(found)))
    return len(found)


def mark(session: Session, detections: Collection[int], *, is_marked: bool) -> None:
    """Mark detections, or take their marks away."""
    session.execute(update(DetectionRow).where(DetectionRow.id.in_(detections)).values(is_marked=is_marked))


def remove(session: Session, detections: Collection[int]) -> list[str]:
    """Remove detections with their verifications. Returns their clips, whose files are left to the caller."""
    rows = _locked(session, detections)
    count(session, [], [bucket for row in rows if (bucket := bucket_of(row)) is not None])
    session.execute(delete(DetectionRow).where(DetectionRow.id.in_([row.id for row in rows])))
    return [row.clip for row in rows if row.clip is not None]


def _set_verdict(session: Session, detections: Collection[int], verdict: DetectionVerdict | None) -> list[int]:
    rows = _locked(session, detections)
    before = [bucket for row in rows if (bucket := bucket_of(row)) is not None]
    for row in rows:
        row.verdict = verdict
    session.flush()
    count(session, [bucket for row in rows if (bucket := bucket_of(row)) is not None], before)
    return [row.id for row in rows]


def _locked(session: Session, detections: Collection[int]) -> list[DetectionRow]:
    """The rows of detections, which nobody else changes until the transaction ends."""
    query = select(DetectionRow).where(DetectionRow.id.in_(detections)).order_by(DetectionRow.id).with_for_update()
    return list(session.scalars(query))
