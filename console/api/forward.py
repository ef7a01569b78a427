"""REST: what other nodes forward to this one. Clips are uploaded by tus 1.0 (https://tus.io/protocols/resumable-upload),
with its extensions creation, checksum, expiration and termination."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.requests import ClientDisconnect

from console.accounts.visitor import Visitor
from console.services.forwarding.reception import ALGORITHMS, PartChecksum, receive_part
from console.services.forwarding.records import RecordsTaken, require_own
from console.services.forwarding.uploads import Upload
from console.services.models import ConsoleModel
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError
from tidzam.forwarding import CHUNK_TYPE, CLIPS_PATH, TUS_VERSION, clip_name, decode_metadata, node_name

router = APIRouter(prefix="/forward", tags=["Forwarding"], dependencies=[needs(Permission.FORWARD)])

UploadId = Annotated[str, Path(alias="id", pattern="^[0-9a-f]{32}$", description="Id of the upload")]
IsTest = Annotated[bool, Query(description="Only say what would be refused; store nothing")]
_SHA256: Final = re.compile("[0-9a-f]{64}")
_LINES: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"text/plain": {"schema": {"type": "string"}}}},
}


class UploadView(ConsoleModel):
    """An upload of a clip."""

    id: str = Field(description="Its id")
    node: str = Field(description="The node that it is of")
    clip: str = Field(description="Name of the clip, as in the detection")
    length: int = Field(description="Size of the clip in bytes")
    offset: int = Field(description="How much has arrived, in bytes")
    is_complete: bool = Field(description="Whether it has arrived, and was verified")


@router.post("/records", openapi_extra=_LINES)
async def forward_records(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, test: IsTest = False
) -> RecordsTaken:
    """Store what a node has heard: a detection per line, as JSON, compressed if `Content-Encoding` is `gzip`."""
    body, is_gzip = await request.body(), request.headers.get("Content-Encoding", "").lower() == "gzip"
    with _disk_named():
        return await asyncio.to_thread(runtime.forwarded.take, visitor, body, is_gzip=is_gzip, is_test=test)


@router.options("/clips", status_code=204)
async def describe_uploads(runtime: Runtime) -> Response:
    """What uploads may be like."""
    most = round(runtime.settings.console.forwarded.clip_mb * 1e6)
    return Response(
        status_code=204,
        headers={
            "Tus-Resumable": TUS_VERSION,
            "Tus-Version": TUS_VERSION,
            "Tus-Extension": "creation,checksum,expiration,termination",
            "Tus-Checksum-Algorithm": ",".join(ALGORITHMS),
            "Tus-Max-Size": str(most),
        },
    )


@router.post("/clips", status_code=201)
async def create_upload(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Begin to upload a clip, or find the upload that was begun for the same content.

    `Upload-Metadata` has its name in the detection as `filename`; the node as `node`, by default that of the account;
    and the SHA-256 of the content as `sha256`, by which it is verified and found again.
    """
    _require_version(request)
    values = _metadata(request)
    node = values.get("node", visitor.name)
    try:
        node, clip = node_name(node), clip_name(values.get("filename", ""))
    except ValueError as error:
        raise RequestError(f"Upload-Metadata: {error}.", code="request", field="Upload-Metadata") from None
    require_own(visitor, node, runtime.settings)
    sha256 = values.get("sha256", "")
    if sha256 and not _SHA256.fullmatch(sha256):
        raise RequestError("Upload-Metadata: sha256 is not 64 hexadecimal digits.", code="request")
    wanted = Upload.of(node, clip, _number(request, "Upload-Length"), sha256)
    with _disk_named():
        async with runtime.upload_turns.taken(wanted.id):
            upload = await asyncio.to_thread(runtime.uploads.create, wanted)
    location = local_path(request, f"{CLIPS_PATH}/{upload.id}")
    return Response(status_code=201, headers={"Location": location, **_headers(upload)})


@router.get("/clips/{id}")
async def show_upload(id: UploadId, visitor: CurrentVisitor, runtime: Runtime, response: Response) -> UploadView:
    """How much of a clip has arrived; HEAD returns the same as headers."""
    async with _owned(runtime, visitor, id) as (upload, _):
        pass
    response.headers.update({**_headers(upload), "Cache-Control": "no-store"})
    return UploadView(
        id=upload.id,
        node=upload.node,
        clip=upload.clip,
        length=upload.length,
        offset=upload.offset,
        is_complete=upload.is_complete,
    )


@router.patch("/clips/{id}", status_code=204)
async def upload_part(id: UploadId, request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Continue an upload at `Upload-Offset`, which is what has arrived, with a body of the type
    `application/offset+octet-stream`. What arrives of a request that is cut stays,
    unless it has an `Upload-Checksum`."""
    _require_version(request)
    if request.headers.get("Content-Type") != CHUNK_TYPE:
        raise RequestError(f"The Content-Type is not {CHUNK_TYPE}.", code="media_type", field="Content-Type")
    given, offset = request.headers.get("Upload-Checksum"), _number(request, "Upload-Offset")
    checksum = None if given is None else PartChecksum.parse(given)
    shelf = runtime.uploads
    async with _owned(runtime, visitor, id) as (upload, lost):
        if offset != upload.offset:
            raise RequestError(
                f"Upload-Offset is {offset}, expected {upload.offset}.",
                hint="Ask for the offset with HEAD.",
                code="upload_offset",
                field="Upload-Offset",
            )
        if not upload.is_complete:
            try:
                with _disk_named():
                    upload = await receive_part(shelf, upload, request.stream(), lost, checksum=checksum)
            except ClientDisconnect:  # what has arrived stays; nobody hears the response
                return Response(status_code=204)
    return Response(status_code=204, headers=_headers(upload))


@router.delete("/clips/{id}", status_code=204)
async def end_upload(id: UploadId, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """Give up an upload. A clip that has arrived stays."""
    async with _owned(runtime, visitor, id) as (upload, _):
        await asyncio.to_thread(runtime.uploads.remove, upload)
    return Response(status_code=204, headers={"Tus-Resumable": TUS_VERSION})


@asynccontextmanager
async def _owned(runtime: ConsoleRuntime, visitor: Visitor, id: str) -> AsyncIterator[tuple[Upload, asyncio.Event]]:
    """An upload of the node of the account, which is this request's until the event is set.

    Raises RequestError (`not_found`) before it takes an upload from anybody.
    """
    await asyncio.to_thread(runtime.uploads.require, visitor.name, id)
    async with runtime.upload_turns.taken(id) as lost:
        with _disk_named():
            upload = await asyncio.to_thread(runtime.uploads.find, visitor.name, id)
        yield upload, lost


@contextmanager
def _disk_named() -> Iterator[None]:
    """Raises RequestError (`forward_full`) in place of OSError: the sender tries again later."""
    try:
        yield
    except OSError as error:
        raise RequestError(
            f"The receiving node cannot write what is forwarded: {error.strerror}.",
            hint="See the folder of console.forwarded there.",
            code="forward_full",
        ) from None


def _headers(upload: Upload) -> dict[str, str]:
    return {
        "Tus-Resumable": TUS_VERSION,
        "Upload-Offset": str(upload.offset),
        "Upload-Length": str(upload.length),
    }


def _require_version(request: Request) -> None:
    given = request.headers.get("Tus-Resumable")
    if given != TUS_VERSION:
        raise RequestError(f"Tus-Resumable is {given}, expected {TUS_VERSION}.", code="tus_version")


def _metadata(request: Request) -> dict[str, str]:
    try:
        return decode_metadata(request.headers.get("Upload-Metadata", ""))
    except ValueError as error:
        raise RequestError(f"Upload-Metadata: {error}.", code="request", field="Upload-Metadata") from None


def _number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not re.fullmatch("[0-9]{1,15}", text):
        raise RequestError(f"{header} is not a number of bytes.", code="request", field=header)
    return int(text)
