"""The page of the state of the node."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])


@router.get("/node")
def show_node(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Programs, sources and channels."""
    return render(request, "node.html", visitor=visitor, view=runtime.monitor.view)


@router.get("/node/state")
def show_state(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The part of the page that changes, which it loads again every few seconds."""
    return render(request, "node_state.html", visitor=visitor, view=runtime.monitor.view)
