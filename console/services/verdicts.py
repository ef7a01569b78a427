"""Judging and starring detections."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.accounts.visitor import Visitor
from console.services.detection_models import STORED, DetectionView, VerdictName
from console.services.detections import views_of
from tidzam.accounts.audit import AuditAction, record
from tidzam.errors import RequestError
from tidzam.labels import MAX_DEPTH, clean_label, label_fault
from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR, NameTables
from tidzam.store.queries.detections import detections_by_id
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.verification import mark, verify, withdraw

_NAMED: Final = 8
"""Detections that an entry of the audit log names."""


def judge(
    store: Store,
    visitor: Visitor,
    numbers: Collection[int],
    verdict: VerdictName | None,
    *,
    other_class: str | None = None,
    zone: ZoneInfo,
    now: datetime,
) -> tuple[DetectionView, ...]:
    """Judge detections, or take back the visitor's verdicts on them. Returns them as they are now.

    Raises RequestError (`not_found`) if one of them does not exist, and (`request`) for a class without the verdict.
    """
    path = None if other_class is None else _path(other_class)
    if path is not None and verdict is not VerdictName.OTHER_CLASS:
        message = "other_class is allowed only with the verdict other_class."
        raise RequestError(message, code="request", field="other_class")
    names = NameTables()
    if path is not None:
        with store.read() as session:
            _require_all(session, numbers)
        names.learn_classes(store, [path])
    class_id = None if path is None else names.label_class(path)
    stored = None if verdict is None else STORED[verdict]
    with store.write() as session:
        _require_all(session, numbers)
        if stored is None:
            withdraw(session, numbers, user_id=visitor.user_id)
        else:
            verify(session, numbers, stored, user_id=visitor.user_id, now=now, class_id=class_id)
        detail = {"verdict": "taken back" if verdict is None else verdict.value}
        detail |= {} if path is None else {"class": SEPARATOR.join(path)}
        record(session, visitor.actor, AuditAction.DETECTIONS_JUDGED, subject_of(numbers), now=now, **detail)
        return _views(session, numbers, zone)


def set_star(
    store: Store, visitor: Visitor, numbers: Collection[int], *, is_starred: bool, zone: ZoneInfo, now: datetime
) -> tuple[DetectionView, ...]:
    """Star detections, or take their stars away. Returns them as they are now. Raises RequestError (`not_found`)."""
    with store.write() as session:
        _require_all(session, numbers)
        mark(session, numbers, is_marked=is_starred)
        detail = {"starred": "yes" if is_starred else "no"}
        record(session, visitor.actor, AuditAction.DETECTIONS_STARRED, subject_of(numbers), now=now, **detail)
        return _views(session, numbers, zone)


def _path(text: str) -> tuple[str, ...]:
    path = tuple(map(clean_label, text.split(SEPARATOR)))
    if len(path) > MAX_DEPTH or any(map(label_fault, path)):
        hint = "Expected labels from the root with / between them, such as birds/wren."
        message = "other_class: it is not the path of a class."
        raise RequestError(message, hint=hint, code="request", field="other_class")
    return path


def _require_all(session: Session, numbers: Collection[int]) -> None:
    found = session.scalars(select(DetectionRow.id).where(DetectionRow.id.in_(numbers)))
    missing = sorted({*numbers} - {*found})
    if missing:
        message = f"There is no detection {missing[0]}."
        raise RequestError(message, hint="It may have been removed; nothing was changed.", code="not_found")


def _views(session: Session, numbers: Collection[int], zone: ZoneInfo) -> tuple[DetectionView, ...]:
    session.flush()
    return views_of(session, detections_by_id(session, list(dict.fromkeys(numbers))), zone)


def subject_of(numbers: Collection[int]) -> str:
    """Detections as the subject of an entry of the audit log: the numbers of a few, and how many more there are."""
    named = ", ".join(map(str, sorted(numbers)[:_NAMED]))
    return f"{named} and {len(numbers) - _NAMED} more" if len(numbers) > _NAMED else named
