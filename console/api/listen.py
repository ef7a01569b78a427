"""REST: listening to channels, by the mounts of Icecast behind the log-in."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import StreamingResponse

from console.live.icecast_listener import IcecastListener, not_heard
from console.live.mp3_streams import MEDIA_TYPE
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.streaming import Stream
from tidzam.accounts.roles import Permission

router = APIRouter(tags=["Live"], dependencies=[needs(Permission.VIEW)])

_SOUND: dict[int | str, dict[str, Any]] = {
    200: {"description": "The sound as it comes, without an end", "content": {"application/ogg": {}, MEDIA_TYPE: {}}}
}
_Mount = Annotated[
    str, Path(max_length=200, description="Name of a mount, such as `pond-out_0.ogg`; GET /node lists them")
]
_Format = Annotated[
    Literal["ogg", "mp3"],
    Query(alias="format", description="`ogg`, as Icecast has it, or `mp3` for players that know no Ogg, at 128 kbit/s"),
]


@router.get("/listen/{mount}", response_class=StreamingResponse, responses=_SOUND)
async def listen(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, mount: _Mount, sound_format: _Format = "ogg"
) -> Stream:
    """The sound of a channel as it is played, until the listener leaves. Only mounts of sources are served."""
    if not any(mount in source.mounts for source in runtime.monitor.view.sources):
        raise not_heard("No source plays such a channel at present.")
    if sound_format == "mp3":
        async with AsyncExitStack() as opened:
            parts = await opened.enter_async_context(runtime.mp3_streams.listening(mount))
            leave = opened.pop_all().aclose
        return Stream(request, parts, visitor=visitor, media_type=MEDIA_TYPE, on_end=leave)
    listener = IcecastListener(runtime.settings, runtime.token)
    media_type = await listener.connect(mount)
    return Stream(request, listener.parts(), visitor=visitor, media_type=media_type, on_end=listener.close)
