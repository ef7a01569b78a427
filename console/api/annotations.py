"""REST: annotations and their counts."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from console.services.annotations import exporting, importing
from console.services.annotations.importing import AnnotationFormat, ImportResult
from console.services.annotations.models import (
    AnnotationChange,
    AnnotationCounts,
    AnnotationList,
    AnnotationRequest,
    AnnotationSearch,
    AnnotationView,
    IsoTime,
    RowId,
    Version,
)
from console.services.models import ConsoleModel
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission
from tidzam.protocol.messages import WireError

router = APIRouter(prefix="/annotations", tags=["Annotations"])

_VIEW, _ANNOTATE = needs(Permission.VIEW), needs(Permission.ANNOTATE)
_Number = Annotated[RowId, Path(alias="id", description="Number of the annotation")]


class AnnotationQuery(AnnotationSearch):
    """A page of the annotations that are wanted."""

    before: Annotated[str, Field(max_length=50)] | None = Field(None, description="The `next` of the page before")
    limit: int = Field(500, ge=1, le=5000, description="Maximum number of annotations")


class AnnotationExport(AnnotationSearch):
    """The annotations of a file."""

    format: AnnotationFormat = Field(
        AnnotationFormat.CSV, description="`csv`, selections for `raven`, or labels for `audacity`"
    )
    origin: IsoTime | None = Field(
        None, description="When the sound begins from which Raven and Audacity count seconds; null for `from`"
    )
    files: bool = Field(
        False, description="Whether the CSV names recordings and seconds in them, as `python -m trainer openset` reads"
    )


class AnnotationImport(ConsoleModel):
    """How to read a file."""

    format: AnnotationFormat = Field(description="Format of the file")
    channel: Annotated[str, Field(max_length=100)] | None = Field(
        None, description="JACK port of lines that name none, which those of Raven and Audacity never do"
    )
    origin: IsoTime | None = Field(
        None, description="When the sound begins from which seconds are counted, in ISO 8601 with a time zone"
    )


async def _body(request: Request) -> bytes:
    """The body of a request, whose size is limited."""
    return await request.body()


_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {"text/csv": {}, "text/tab-separated-values": {}}}
}
_UPLOAD: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
}


class ConflictError(WireError):
    """Somebody else was faster."""

    current: AnnotationView | None = Field(description="The annotation as it is now; null if it is deleted")


class ConflictBody(BaseModel):
    """The body of a refusal because of another version."""

    error: ConflictError = Field(description="What is wrong, and what to do")


_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ConflictBody, "description": "The annotation was changed or deleted meanwhile"}
}


@router.get("", dependencies=[_VIEW])
def list_annotations(runtime: Runtime, query: Annotated[AnnotationQuery, Query()]) -> AnnotationList:
    """Annotations that reach into a period, those that begin last first."""
    return runtime.annotations.find(query, limit=query.limit, before=query.before)


@router.post("", dependencies=[_ANNOTATE], status_code=201)
def add_annotation(request: AnnotationRequest, visitor: CurrentVisitor, runtime: Runtime) -> AnnotationView:
    """Make an annotation."""
    return runtime.annotations.add(visitor, request)


@router.get("/counts", dependencies=[_VIEW])
def count_annotations(runtime: Runtime, query: Annotated[AnnotationSearch, Query()]) -> AnnotationCounts:
    """How many annotations there are per day and tag."""
    return runtime.annotations.count(query)


@router.get("/export", dependencies=[_VIEW], response_class=StreamingResponse, responses=_FILE)
def export_annotations(runtime: Runtime, query: Annotated[AnnotationExport, Query()]) -> StreamingResponse:
    """The annotations that are wanted as a file, in the order of time, sent while it is written."""
    content = exporting.export_annotations(
        runtime.annotations, query, query.format, origin=query.origin, names_files=query.files
    )
    name = f'attachment; filename="{exporting.FILE_NAMES[query.format]}"'
    media_type = exporting.MEDIA_TYPES[query.format]
    return StreamingResponse(content, media_type=media_type, headers={"Content-Disposition": name})


@router.post("/import", dependencies=[_ANNOTATE], openapi_extra=_UPLOAD)
def import_annotations(
    query: Annotated[AnnotationImport, Query()],
    raw: Annotated[bytes, Depends(_body)],
    visitor: CurrentVisitor,
    runtime: Runtime,
) -> ImportResult:
    """Add the annotations of a file, which is the body of the request: all of them or none, and each once."""
    return importing.import_annotations(
        runtime.annotations, visitor, raw, query.format, channel=query.channel, origin=query.origin
    )


@router.patch("/{id}", dependencies=[_ANNOTATE], responses=_CONFLICT)
def change_annotation(
    number: _Number, change: AnnotationChange, visitor: CurrentVisitor, runtime: Runtime
) -> AnnotationView:
    """Change an annotation, if it has the version still."""
    return runtime.annotations.change(visitor, number, change)


@router.delete("/{id}", dependencies=[_ANNOTATE], status_code=204, responses=_CONFLICT)
def delete_annotation(
    number: _Number,
    version: Annotated[Version, Query(description="The version that is deleted")],
    visitor: CurrentVisitor,
    runtime: Runtime,
) -> Response:
    """Delete an annotation, if it has the version still."""
    runtime.annotations.delete(visitor, number, version)
    return Response(status_code=204)
