"""REST: the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services.audit_log import audit_page
from console.services.models import AuditPage
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/audit", tags=["Audit log"], dependencies=[needs(Permission.ADMINISTER)])


@router.get("")
def read_audit_log(
    runtime: Runtime,
    before: Annotated[int | None, Query(ge=0, lt=1 << 62, description="Only entries before this one")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Maximum number of entries")] = 100,
) -> AuditPage:
    """Who changed what, the newest entries first."""
    return audit_page(runtime.store, before=before, limit=limit)
