"""Removes the detections of a class, in small transactions between which others write. The counts follow.

What a person has marked or judged stays, and so do detections that are still open.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session

from tidzam.store.database import Store
from tidzam.store.tables.detections import IS_JUDGED, IS_MARKED, IS_OPEN, DetectionRow
from tidzam.store.verification import remove

BATCH: Final = 500
"""Rows in one transaction: SQLite lets nobody else write meanwhile."""
PAUSE_S: Final = 0.02
"""Seconds between two transactions, in which others write."""


@dataclass(frozen=True)
class RemovableDetections:
    """How many detections of a class can be removed at once, and how many are kept."""

    removable: int
    kept: int


def removable_detections(session: Session, class_id: int, *, limit: int) -> RemovableDetections:
    """What `remove_class` would do with this limit."""
    row, own = DetectionRow, DetectionRow.class_id == class_id
    # `+ 0` makes SQLite read the small indexes of those that are kept, and not that of the class.
    kept = union(*(select(row.id).where(row.class_id + 0 == class_id, why) for why in (IS_MARKED, IS_JUDGED, IS_OPEN)))
    kept_count = session.scalar(select(func.count()).select_from(kept.subquery())) or 0
    some = select(row.start).where(own).limit(limit + kept_count).subquery()
    return RemovableDetections((session.scalar(select(func.count()).select_from(some)) or 0) - kept_count, kept_count)


def remove_class(store: Store, class_id: int, *, limit: int, pause_s: float = PAUSE_S) -> int:
    """Remove the oldest detections of a class, at most `limit`. Returns how many there were.

    Raises StoreError (`store_unreachable`); what was removed until then stays so.
    """
    row, removed = DetectionRow, 0
    since: list[Any] = []
    while removed < limit:
        query = select(row.id, row.start).where(row.class_id == class_id, *_removable(), *since).order_by(row.start)
        with store.read() as session:
            found = session.execute(query.limit(min(BATCH, limit - removed))).all()
        if not found:
            break
        with store.write() as session:  # somebody may have judged one of them since it was found
            still = select(row.id).where(row.id.in_([number for number, _ in found]), *_removable())
            numbers = session.scalars(still.order_by(row.id).with_for_update()).all()
            remove(session, numbers)
        removed += len(numbers)
        since = [row.start >= found[-1][1]]  # what stays before that need not be looked at again
        time.sleep(pause_s)
    return removed


def _removable() -> tuple[ColumnElement[bool], ...]:
    row = DetectionRow
    return ~row.is_marked, row.verdict.is_(None), ~row.is_open
