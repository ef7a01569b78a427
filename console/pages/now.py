"""The first page: what is heard now."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.accounts.visitor import Visitor
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])


@router.get("/")
def show_now(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Channels with what they hold, and detections as they come."""
    return _rendered(request, visitor, runtime, "now.html")


@router.get("/now/channels")
def show_channels(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The channels, which the page loads again when there are others."""
    return _rendered(request, visitor, runtime, "now_channels.html")


def _rendered(request: Request, visitor: Visitor, runtime: ConsoleRuntime, template: str) -> Response:
    state = runtime.live.state
    layout, sources = state.layout, state.sources
    return render(
        request, template, visitor=visitor, layout=layout, sources=sources, zone=str(runtime.time_zone), live=state
    )
