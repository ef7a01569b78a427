"""The page on which sound is annotated: days, a day, and a moment with its spectrogram."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.pages.detection_filters import today
from console.services.annotator_channels import annotator_channels
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])


@router.get("/annotate")
def show_annotator(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The page. Its address holds the channel, the day and the moment; what they have comes from the REST API."""
    return render(
        request,
        "annotate.html",
        visitor=visitor,
        channels=annotator_channels(runtime.store, runtime.settings, runtime.monitor.view),
        today=today(runtime).isoformat(),
        zone=runtime.time_zone.key,
    )
