"""When the class of a detection was heard the last time before it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select, tuple_
from sqlalchemy.orm import Session, aliased

from tidzam.store.rollups import DISCOUNTED
from tidzam.store.tables.detections import DetectionRow


def previous_starts(session: Session, detections: Collection[int]) -> dict[int, datetime | None]:
    """The beginning of the detection of the same class before each of these, without those judged wrong; None if there
    is none. One seek in the index of classes each."""
    row, earlier = DetectionRow, aliased(DetectionRow)
    previous = (
        select(earlier.start)
        .where(
            earlier.class_id == row.class_id,
            earlier.start <= row.start,
            tuple_(earlier.start, earlier.id) < tuple_(row.start, row.id),
            or_(earlier.verdict.is_(None), earlier.verdict.not_in(DISCOUNTED)),
        )
        .order_by(earlier.start.desc(), earlier.id.desc())
        .limit(1)
        .correlate(row)
        .scalar_subquery()
    )
    query = select(row.id, previous).where(row.id.in_(detections))
    return dict(session.execute(query).all())
