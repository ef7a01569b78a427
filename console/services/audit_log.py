"""Reading the audit log."""

from __future__ import annotations

import json

from console.services.models import AuditPage, AuditView
from tidzam.accounts.audit import entries
from tidzam.store.database import Store
from tidzam.store.tables.accounts import AuditRow


def audit_page(store: Store, *, before: int | None, limit: int) -> AuditPage:
    """`limit` entries, the newest first, or those before the one with the id `before`."""
    with store.read() as session:
        found = tuple(map(_view, entries(session, before=before, limit=limit + 1)))
    shown = found[:limit]
    return AuditPage(entries=shown, next=shown[-1].id if len(found) > limit else None)


def _view(row: AuditRow) -> AuditView:
    return AuditView(
        id=row.id,
        time=row.time,
        actor=row.actor,
        address=row.address,
        action=row.action,
        subject=row.subject,
        detail=json.loads(row.detail) if row.detail else {},
    )
