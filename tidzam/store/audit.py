"""Writes the rows of the audit log: the one place that does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from tidzam.store.records import AuditRecord
from tidzam.store.tables.accounts import AuditRow


def add_audit_row(
    session: Session,
    *,
    time: datetime,
    actor: str,
    address: str,
    action: str,
    subject: str,
    detail: Mapping[str, str],
) -> None:
    """Add a row. Names that are longer than their columns are shortened."""
    text = json.dumps(dict(detail), ensure_ascii=False) if detail else ""
    session.add(
        AuditRow(time=time, actor=actor[:64], address=address[:64], action=action, subject=subject[:200], detail=text)
    )


def write_audit(session: Session, records: Sequence[AuditRecord]) -> None:
    """Write what programs report, each once, however often it is reported."""
    for one in records:
        known = select(AuditRow.id).where(
            AuditRow.time == one.time,
            AuditRow.actor == one.actor[:64],
            AuditRow.action == one.action,
            AuditRow.subject == one.subject[:200],
        )
        if session.scalar(known.limit(1)) is None:
            add_audit_row(session, **one.model_dump(exclude={"node", "kind"}))
