"""The audit log: who changed what, when and from where. Written in the transaction of the change itself."""

from __future__ import annotations

import getpass
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidzam.store.audit import add_audit_row
from tidzam.store.tables.accounts import AuditRow


class AuditAction(StrEnum):
    """What was done."""

    USER_ADDED = "user.added"
    USER_REMOVED = "user.removed"
    ROLE_CHANGED = "user.role"
    PASSWORD_CHANGED = "user.password"
    LOGGED_IN = "session.started"
    LOGGED_OUT = "session.ended"
    LOCKED_OUT = "session.locked_out"
    TOKEN_ADDED = "token.added"
    TOKEN_REMOVED = "token.removed"
    SOURCE_ADDED = "source.added"
    SOURCE_CHANGED = "source.changed"
    SOURCE_REMOVED = "source.removed"
    SOURCE_RELOADED = "source.reloaded"
    RECORDING_SWITCHED = "source.recording"
    MICROPHONE_BEGUN = "microphone.started"
    MICROPHONE_ENDED = "microphone.ended"
    DETECTIONS_JUDGED = "detections.judged"
    DETECTIONS_STARRED = "detections.starred"
    NOVELTY_NAMED = "novelty.named"
    NOVELTY_DISMISSED = "novelty.dismissed"
    NOVELTY_RESTORED = "novelty.restored"
    CLASS_RULE_CHANGED = "class.rule"
    CLASS_REMOVED = "class.removed"
    JOB_STARTED = "job.started"
    JOB_CANCELLED = "job.cancelled"
    ANNOTATION_ADDED = "annotation.added"
    ANNOTATION_CHANGED = "annotation.changed"
    ANNOTATION_DELETED = "annotation.deleted"
    ANNOTATIONS_IMPORTED = "annotations.imported"
    TAG_ADDED = "tag.added"
    TAG_RENAMED = "tag.renamed"
    TAG_REMOVED = "tag.removed"
    TIME_MODELS_MADE = "time_models.made"
    MODEL_SHADOWED = "model.shadowed"
    MODEL_SHADOW_ENDED = "model.shadow_ended"
    MODEL_PROMOTED = "model.promoted"
    MODEL_ROLLED_BACK = "model.rolled_back"
    MODEL_THRESHOLDS = "model.thresholds"
    MODEL_REMOVED = "model.removed"
    MODEL_INSTALLED = "model.installed"
    BACKUP_RESTORED = "backup.restored"
    RECORDINGS_REMOVED = "recordings.removed"
    ROWS_REMOVED = "store.removed"


@dataclass(frozen=True, kw_only=True)
class Actor:
    """Who makes a change: a user's name, the command line, or the retention; and the address, empty on this machine."""

    name: str
    address: str = ""


def command_line_actor() -> Actor:
    """Who makes a change by a command: the user of the operating system, or its number if it has no name."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return Actor(name=f"command line ({user})"[:64])


RETENTION: Final = Actor(name="retention")
"""What removes what is too old, or too much, by the settings."""


def record(session: Session, actor: Actor, action: AuditAction, subject: str, *, now: datetime, **detail: str) -> None:
    """Add an entry. `subject` is what was changed, `detail` how."""
    add_audit_row(
        session,
        time=now,
        actor=actor.name,
        address=actor.address,
        action=action.value,
        subject=subject,
        detail=detail,
    )


def entries(session: Session, *, before: int | None = None, limit: int = 100) -> Sequence[AuditRow]:
    """The newest entries, or those before the one with the id `before`."""
    query = select(AuditRow).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return session.scalars(query).all()
