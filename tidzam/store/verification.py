"""Judging, marking and removing detections; the counts follow in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, func, select, update
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
    rows = _locked(session, detections)
    found = [row.id for row in rows]
    _set_verdicts(session, rows, dict.fromkeys(found, verdict))
    session.add_all(
        VerificationRow(detection_id=number, user_id=user_id, created=now, verdict=verdict, class_id=class_id)
        for number in found
    )
    return len(found)


def withdraw(session: Session, detections: Collection[int], *, user_id: int | None) -> int:
    """Forget the verdicts of a user on detections, so that the last one of somebody else counts again, if there is one.

    Returns how many detections there are.
    """
    rows = _locked(session, detections)
    row, found = VerificationRow, [one.id for one in rows]
    session.execute(delete(row).where(row.detection_id.in_(found), row.user_id == user_id))
    last = select(func.max(row.id)).where(row.detection_id.in_(found)).group_by(row.detection_id)
    left = session.execute(select(row.detection_id, row.verdict).where(row.id.in_(last)))
    _set_verdicts(session, rows, {number: DetectionVerdict(verdict) for number, verdict in left})
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


def _set_verdicts(session: Session, rows: Collection[DetectionRow], verdicts: Mapping[int, DetectionVerdict]) -> None:
    """Give each detection its verdict, or none, and correct the counts."""
    before = [bucket for row in rows if (bucket := bucket_of(row)) is not None]
    for row in rows:
        row.verdict = verdicts.get(row.id)
    session.flush()
    count(session, [bucket for row in rows if (bucket := bucket_of(row)) is not None], before)


def _locked(session: Session, detections: Collection[int]) -> list[DetectionRow]:
    """The rows of detections, which nobody else changes until the transaction ends."""
    query = select(DetectionRow).where(DetectionRow.id.in_(detections)).order_by(DetectionRow.id).with_for_update()
    return list(session.scalars(query))
