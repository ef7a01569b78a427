"""The page with which a browser streams its microphone."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.MANAGE)])


@router.get("/microphone")
def show_microphone(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The microphone, its spectrogram, and what is heard in it."""
    return render(request, "microphone.html", visitor=visitor, zone=str(runtime.time_zone))
