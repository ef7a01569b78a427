"""The page of the node's backups."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from console.pages.node import size
from console.services.backups import KINDS
from console.web.errors import FRAGMENT_HEADER
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/node/backups", dependencies=[needs(Permission.MANAGE)])

SHOWN_JOBS = 5


@router.get("")
def show_backups(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The backups, and what is being made or verified; only these for the page that renews them."""
    template = "node_backup_list.html" if FRAGMENT_HEADER in request.headers else "node_backups.html"
    jobs = runtime.jobs.list_jobs(limit=SHOWN_JOBS, kinds=KINDS).items
    found = runtime.backups.list_backups()
    return render(request, template, visitor=visitor, found=found, jobs=jobs, size=size)


@router.post("")
def create(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Make a backup."""
    runtime.backups.create(visitor)
    return RedirectResponse(local_path(request, "/node/backups"), 303)


@router.post("/{name}/verify")
def verify(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Verify a backup."""
    runtime.backups.verify(visitor, name)
    return RedirectResponse(local_path(request, "/node/backups"), 303)
