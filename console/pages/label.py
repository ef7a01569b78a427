"""The page on which people label, one after the other, the sounds that would teach a recognizer most."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.services.annotations.tags import list_tags
from console.services.detections import filter_choices
from console.services.search.recognizers import recognizers_on
from console.services.search.similar import open_archive
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission
from tidzam.errors import TidzamError

router = APIRouter(prefix="/label", dependencies=[needs(Permission.ANNOTATE)])

KEYS = 9
"""Tags that have a digit as their key."""


@router.get("")
def show_label(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The page. The sounds are loaded by its script."""
    recognizers: list[str] = []
    missing = None
    try:
        recognizers = recognizers_on(runtime.settings, open_archive(runtime.settings).manifest)
    except TidzamError as error:
        missing = str(error)
    tags = sorted(list_tags(runtime.store), key=lambda one: (-one.annotations, one.name))
    return render(
        request,
        "label.html",
        visitor=visitor,
        missing=missing,
        recognizers=recognizers,
        channels=filter_choices(runtime.store, runtime.known_classes).channels,
        tags=[one.name for one in tags],
        keyed=[one.name for one in tags if one.name != "background"][:KEYS],
        zone=runtime.time_zone.key,
    )
