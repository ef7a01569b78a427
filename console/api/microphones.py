"""REST: the microphone of a browser as a live source."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from console.services.microphones import MOST_BYTES, MicrophoneState, MicrophoneView, NewMicrophone
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/microphones", tags=["Microphones"], dependencies=[needs(Permission.MANAGE)])

MicrophoneId = Annotated[str, Path(max_length=64, description="Id of the microphone")]
Pcm = Annotated[
    bytes,
    Body(media_type="application/octet-stream", max_length=MOST_BYTES, description="16-bit PCM, little-endian, mono"),
]


@router.post("", status_code=201)
async def begin_microphone(new: NewMicrophone, visitor: CurrentVisitor, runtime: Runtime) -> MicrophoneView:
    """Begin a live stream. It ends ten seconds after the last audio at the latest."""
    return await runtime.microphones.begin(visitor, new)


@router.post("/{id}/audio")
async def send_audio(id: MicrophoneId, pcm: Pcm, visitor: CurrentVisitor, runtime: Runtime) -> MicrophoneState:
    """Send audio, one request at a time. The response comes when the stream manager has taken it."""
    return await runtime.microphones.send(visitor, id, pcm)


@router.delete("/{id}", status_code=204)
async def end_microphone(id: MicrophoneId, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """End a live stream."""
    await runtime.microphones.end(visitor, id)
    return Response(status_code=204)
