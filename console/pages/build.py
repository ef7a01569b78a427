"""The page of the model builder. What it shows and does comes from the REST API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.services.builder.networks import Recipe, training_choices
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission
from tidzam.open_set import MIN_WINDOWS

router = APIRouter(dependencies=[needs(Permission.MANAGE)])


@router.get("/models/build")
def show_builder(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Days, tags and a base for recognizers; networks on datasets; and the jobs that build them."""
    return render(
        request,
        "build.html",
        visitor=visitor,
        trainings=training_choices(runtime.settings),
        recipes=list(Recipe),
        least_windows=MIN_WINDOWS,
    )
