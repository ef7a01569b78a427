"""The page of the tags of annotations: how often each is used; renamed, and removed if no annotation has it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.services.annotations import tags
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError

router = APIRouter(prefix="/annotate/tags")

Tag = Annotated[str, Form(max_length=255)]


@router.get("", dependencies=[needs(Permission.VIEW)])
def show_tags(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """All tags by name."""
    return _page(request, visitor, runtime)


@router.post("/rename", dependencies=[needs(Permission.ANNOTATE)])
def rename(request: Request, visitor: CurrentVisitor, runtime: Runtime, tag: Tag = "", name: Tag = "") -> Response:
    """Give a tag another name, which its annotations have from then on."""
    try:
        tags.rename_tag(runtime.store, visitor, tag, name, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error, renamed=tag, typed=name)
    return RedirectResponse(local_path(request, "/annotate/tags"), 303)


@router.post("/remove", dependencies=[needs(Permission.ANNOTATE)])
def remove(request: Request, visitor: CurrentVisitor, runtime: Runtime, tag: Tag = "") -> Response:
    """Remove a tag that no annotation has."""
    try:
        tags.remove_tag(runtime.store, visitor, tag, now=runtime.now())
    except RequestError as error:
        return _page(request, visitor, runtime, error=error)
    return RedirectResponse(local_path(request, "/annotate/tags"), 303)


def _page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    *,
    error: RequestError | None = None,
    renamed: str = "",
    typed: str = "",
) -> Response:
    """The page; `typed` is the name that the tag `renamed` could not get."""
    return render(
        request,
        "tags.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        tags=tags.list_tags(runtime.store),
        error=error,
        renamed=renamed,
        typed=typed,
    )
