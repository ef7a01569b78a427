"""REST: the tags of annotations."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import Field

from console.services.annotations import tags
from console.services.annotations.models import TagName, TagView
from console.services.models import ConsoleModel
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/tags", tags=["Annotations"])

_Name = Annotated[str, Path(alias="name", max_length=255, description="Name of the tag")]


class TagRequest(ConsoleModel):
    """A tag to make, or the new name of one."""

    name: TagName = Field(description="A label: what is heard")


@router.get("", dependencies=[needs(Permission.VIEW)])
def list_tags(runtime: Runtime) -> tuple[TagView, ...]:
    """All tags by name, with the number of their annotations."""
    return tags.list_tags(runtime.store)


@router.post("", dependencies=[needs(Permission.ANNOTATE)], status_code=201)
def add_tag(request: TagRequest, visitor: CurrentVisitor, runtime: Runtime) -> TagView:
    """Make a tag."""
    return tags.add_tag(runtime.store, visitor, request.name, now=runtime.now())


@router.patch("/{name}", dependencies=[needs(Permission.ANNOTATE)])
def rename_tag(name: _Name, request: TagRequest, visitor: CurrentVisitor, runtime: Runtime) -> TagView:
    """Rename a tag. It cannot get the name of another one."""
    return tags.rename_tag(runtime.store, visitor, name, request.name, now=runtime.now())


@router.delete("/{name}", dependencies=[needs(Permission.ANNOTATE)], status_code=204)
def remove_tag(name: _Name, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Remove a tag that no annotation has."""
    tags.remove_tag(runtime.store, visitor, name, now=runtime.now())
    return Response(status_code=204)
