"""What people said about detections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tidzam.store.lookups import SEPARATOR
from tidzam.store.tables.accounts import UserRow
from tidzam.store.tables.detections import IS_JUDGED, DetectionRow, DetectionVerdict, VerificationRow
from tidzam.store.tables.models import ClassRow


@dataclass(frozen=True)
class StoredVerdict:
    """A verdict. `author` is None if the user was removed; `other_path` is what is heard instead, if it was named."""

    time: datetime
    author: str | None
    verdict: DetectionVerdict
    other_path: tuple[str, ...] | None


def verdicts_on(session: Session, detection: int) -> list[StoredVerdict]:
    """All verdicts on a detection, the latest first."""
    row = VerificationRow
    query = (
        select(row.created, UserRow.name, row.verdict, ClassRow.path)
        .outerjoin(UserRow, UserRow.id == row.user_id)
        .outerjoin(ClassRow, ClassRow.id == row.class_id)
        .where(row.detection_id == detection)
        .order_by(row.id.desc())
    )
    return [
        StoredVerdict(time, author, DetectionVerdict(verdict), _path(path))
        for time, author, verdict, path in session.execute(query)
    ]


def other_classes(session: Session, detections: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The paths of what is heard instead, by detection, where the last verdict names it."""
    row = VerificationRow
    last = select(func.max(row.id)).where(row.detection_id.in_(detections)).group_by(row.detection_id)
    query = select(row.detection_id, ClassRow.path).join(ClassRow, ClassRow.id == row.class_id).where(row.id.in_(last))
    return {number: tuple(path.split(SEPARATOR)) for number, path in session.execute(query)}


def verdicts_per_class(
    session: Session, *, since: datetime, until: datetime
) -> Mapping[int, Mapping[DetectionVerdict, int]]:
    """How often the detections of each class were judged how, of those that begin from `since` to before `until`."""
    row = DetectionRow
    query = select(row.class_id, row.verdict, func.count()).where(IS_JUDGED, row.start >= since, row.start < until)
    found: dict[int, dict[DetectionVerdict, int]] = defaultdict(dict)
    for number, verdict, count in session.execute(query.group_by(row.class_id, row.verdict)):
        assert verdict is not None
        found[number][DetectionVerdict(verdict)] = count
    return found


def _path(path: str | None) -> tuple[str, ...] | None:
    return None if path is None else tuple(path.split(SEPARATOR))
