"""The page of the model library, with the classifiers that run, and buttons that change them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.services.library import library
from console.services.library.bundles import in_place_of, library_bundle
from console.services.library.classifiers import CascadeChange, classifiers_view
from console.web.classifier_changes import refreshed, running_classifiers
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError, TidzamError

router = APIRouter()

_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)
_Name = Annotated[str, Form(max_length=64)]
IN_PLACE_OF: Final = "in-place-of"
"""The place of a model that runs in place of those that have a class of it; others are fields of `CascadeChange`."""


@router.get("/models", dependencies=[_VIEW])
def show_models(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The library."""
    return _page(request, visitor, runtime)


@router.get("/classifiers/state", dependencies=[_VIEW])
def show_classifiers(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The classifiers that run and their comparison, which the page loads again every few seconds."""
    return render(
        request,
        "classifiers_state.html",
        visitor=visitor,
        running=classifiers_view(runtime.settings, runtime.monitor.analysis),
    )


@router.post("/classifiers/shadow", dependencies=[_MANAGE])
def start_shadow(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, model: _Name = "", place: _Name = "add"
) -> Response:
    """Try a model beside the live classifiers, or in their place."""
    return _changed(
        request,
        visitor,
        runtime,
        lambda: running_classifiers(runtime, visitor).start_shadow(_change(runtime, model, place)),
    )


@router.post("/classifiers/shadow/end", dependencies=[_MANAGE])
def end_shadow(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """End the shadow."""
    return _changed(request, visitor, runtime, lambda: running_classifiers(runtime, visitor).end_shadow())


@router.post("/classifiers/promote", dependencies=[_MANAGE])
def promote(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, model: _Name = "", place: _Name = "add"
) -> Response:
    """Let the shadow take over, or a model that is named."""
    return _changed(
        request,
        visitor,
        runtime,
        lambda: running_classifiers(runtime, visitor).promote(_change(runtime, model, place) if model else None),
    )


@router.post("/classifiers/roll-back", dependencies=[_MANAGE])
def roll_back(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, promotions: Annotated[int, Form(ge=1, le=50)] = 1
) -> Response:
    """Return to the classifiers before the last promotion, or before several."""
    return _changed(request, visitor, runtime, lambda: running_classifiers(runtime, visitor).roll_back(promotions))


@router.post("/models/{name}/remove", dependencies=[_MANAGE])
def remove(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Delete a model that is not in use."""
    analysis = runtime.monitor.analysis
    return _changed(
        request,
        visitor,
        runtime,
        lambda: library.remove(runtime.settings, runtime.store, visitor, analysis, name, now=runtime.now()),
    )


def _change(runtime: ConsoleRuntime, model: str, place: str) -> CascadeChange:
    """`place` is a field of `CascadeChange`, or `IN_PLACE_OF`. Raises RequestError and ValidationError."""
    if place == IN_PLACE_OF:
        replaced = in_place_of(runtime.settings, library_bundle(runtime.settings, model))
        return CascadeChange(add=(model,), remove=replaced)
    field = place if place in CascadeChange.model_fields else "add"
    return CascadeChange.model_validate({field: (model,)})


def _changed(request: Request, visitor: Visitor, runtime: ConsoleRuntime, change: Callable[[], object]) -> Response:
    """The page after a change, or with the reason why it was refused."""
    try:
        with refreshed(runtime):
            change()
    except TidzamError as error:
        return _page(request, visitor, runtime, error=error)
    except ValidationError:
        return _page(request, visitor, runtime, error=RequestError("Choose a model.", code="request"))
    return RedirectResponse(local_path(request, "/models"), 303)


def _page(request: Request, visitor: Visitor, runtime: ConsoleRuntime, *, error: TidzamError | None = None) -> Response:
    analysis = runtime.monitor.analysis
    models = library.list_models(runtime.settings, analysis)
    return render(
        request,
        "models.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        error=error,
        models=models,
        live_models=library.removable_from_live(runtime.settings),
        running=classifiers_view(runtime.settings, analysis),
    )
