"""The page of the audit log."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.services.audit_log import audit_page
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.ADMINISTER)])

PAGE = 50


@router.get("/audit")
def show_audit_log(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    before: Annotated[int | None, Query(ge=0, lt=1 << 62)] = None,
) -> Response:
    """Who changed what, the newest first."""
    page = audit_page(runtime.store, before=before, limit=PAGE)
    return render(request, "audit.html", visitor=visitor, page=page, is_first=before is None)
