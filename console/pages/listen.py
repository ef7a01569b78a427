"""Listening: the mounts of Icecast behind the log-in."""

from __future__ import annotations

from fastapi import APIRouter, Request

from console.live.icecast_listener import IcecastListener, not_heard
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.streaming import Stream
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])


@router.get("/listen/{mount}")
async def listen(request: Request, visitor: CurrentVisitor, runtime: Runtime, mount: str) -> Stream:
    """The sound of a channel as it is played, until the listener leaves. Only mounts of sources are served."""
    if not any(mount in source.mounts for source in runtime.monitor.view.sources):
        raise not_heard("No source plays such a channel at present.")
    listener = IcecastListener(runtime.settings, runtime.token)
    media_type = await listener.connect(mount)
    return Stream(request, listener.parts(), visitor=visitor, media_type=media_type, on_end=listener.close)
