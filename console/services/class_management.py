"""Deciding about classes: rules that the analyzer follows, and the removal of detections."""

from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import Field
from sqlalchemy import select

from console.accounts.visitor import Visitor
from console.services.models import ConsoleModel
from tidzam.accounts.audit import AuditAction, record
from tidzam.class_rules import ClassRule, Threshold, read_class_rules, write_class_rules
from tidzam.errors import RequestError
from tidzam.labels import MAX_DEPTH, clean_label, label_fault
from tidzam.store.class_removal import removable_detections, remove_class
from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR
from tidzam.store.tables.models import ClassRow

AT_ONCE: Final = 20_000
"""Detections that one request removes, which takes seconds."""
_changing: Final = threading.Lock()


class ClassRuleView(ConsoleModel):
    """What was decided about a class."""

    path: tuple[str, ...] = Field(description="Labels from the root to the class")
    excluded: bool = Field(description="Whether the analyzer no longer reports it, nor the classes below it")
    threshold: float | None = Field(description="Probability from which it is reported; null if nothing was decided")


class ClassRuleRequest(ConsoleModel):
    """A decision about a class."""

    path: str = Field(min_length=1, max_length=500, description="Path of the class, with `/` between labels")
    excluded: bool = Field(False, description="Whether the analyzer shall not report it, nor the classes below it")
    threshold: Threshold | None = Field(
        None, description="Probability from which it shall be reported; null for that of the profile or the bundle"
    )


class ClassRemovalRequest(ConsoleModel):
    """The class whose detections are to be removed."""

    path: str = Field(min_length=1, max_length=500, description="Path of the class, with `/` between labels")


class ClassRemovalView(ConsoleModel):
    """What became of the detections of a class."""

    removed: int = Field(description="Number of detections that were removed by this request")
    left: int = Field(description="Number of those that the next request can remove")
    kept: int = Field(description="Number of those that are kept: starred, judged, or still heard")


def list_rules(home: Path | None) -> tuple[ClassRuleView, ...]:
    """All decisions, by class. Raises ConfigError (`class_rules`)."""
    rules = read_class_rules(home).classes
    return tuple(_view(path, rule) for path, rule in sorted(rules.items()))


def set_rule(
    store: Store, home: Path | None, visitor: Visitor, wanted: ClassRuleRequest, *, now: datetime
) -> ClassRuleView:
    """Decide about a class. The analyzer of this home follows within seconds. Raises RequestError and ConfigError."""
    path = class_path(wanted.path)
    rule = ClassRule(excluded=wanted.excluded, threshold=wanted.threshold)
    with _changing, store.write() as session:
        detail = {"excluded": str(rule.excluded).lower(), "threshold": f"{rule.threshold}"}
        record(session, visitor.actor, AuditAction.CLASS_RULE_CHANGED, path, now=now, **detail)
        session.flush()
        write_class_rules(home, read_class_rules(home).changed(path, rule))
    return _view(path, rule)


def remove_detections(store: Store, visitor: Visitor, path: str, *, now: datetime) -> ClassRemovalView:
    """Remove detections of a class, at most `AT_ONCE`. Those that are starred or judged stay, and so do clips, which
    their budget deletes. Raises RequestError (`not_found`)."""
    path = class_path(path)
    with store.read() as session:
        class_id = session.scalar(select(ClassRow.id).where(ClassRow.path == path))
        if class_id is None:
            raise RequestError(f"There is no class {path}.", hint="Names are case-sensitive.", code="not_found")
        before = removable_detections(session, class_id, limit=AT_ONCE)
    if not before.removable:
        return ClassRemovalView(removed=0, left=0, kept=before.kept)
    with store.write() as session:
        detail = {"detections": str(before.removable)}
        record(session, visitor.actor, AuditAction.CLASS_REMOVED, path, now=now, **detail)
    removed = remove_class(store, class_id, limit=AT_ONCE)
    with store.read() as session:
        after = removable_detections(session, class_id, limit=AT_ONCE)
    return ClassRemovalView(removed=removed, left=after.removable, kept=after.kept)


def class_path(text: str) -> str:
    """The path of a class as the store writes it. Raises RequestError (`request`)."""
    path = tuple(map(clean_label, text.split(SEPARATOR)))
    if len(path) > MAX_DEPTH or any(map(label_fault, path)):
        hint = "Expected labels from the root with / between them, such as birds/wren."
        raise RequestError("path: it is not the path of a class.", hint=hint, code="request", field="path")
    return SEPARATOR.join(path)


def _view(path: str, rule: ClassRule) -> ClassRuleView:
    return ClassRuleView(path=tuple(path.split(SEPARATOR)), excluded=rule.excluded, threshold=rule.threshold)
