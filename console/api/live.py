"""REST: what is heard at present, at once and as it changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import StreamingResponse

from console.accounts.visitor import Visitor
from console.live.broadcast import LiveBroadcast
from console.live.models import LiveUpdate
from console.services.recent import RecentHours, RecentQuery, recent_hours
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.streaming import Stream
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/live", tags=["Live"], dependencies=[needs(Permission.VIEW)])

_RETRY_MS = 2000
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `live`, each a LiveUpdate as JSON; `annotations`, each an "
        "AnnotationsChanged; and `job`, each a JobView, when a job was added, advances or has ended; without the "
        "permission `manage`, it lacks what GET /jobs leaves out",
        "content": {"text/event-stream": {}},
    }
}


@router.get("")
def read_live(runtime: Runtime) -> LiveUpdate:
    """What was last heard of each channel, and the last detections."""
    return runtime.live.snapshot()


@router.get("/hours")
def read_hours(runtime: Runtime, query: Annotated[RecentQuery, Query()]) -> RecentHours:
    """Detections per hour and class in the last hours, daylight, and when channels could not be heard, and why."""
    return recent_hours(runtime.store, query, **runtime.place_and_time())


@router.get("/events", response_class=StreamingResponse, responses=_EVENTS)
async def follow_live(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Stream:
    """The same as server-sent events, and twice a second what has changed since. It goes on until the client leaves.

    Who connects again reads jobs and annotations again, too: what has changed in between is not sent.
    """
    return Stream(request, _events(runtime.live, visitor), visitor=visitor, media_type="text/event-stream")


async def _events(live: LiveBroadcast, visitor: Visitor) -> AsyncGenerator[bytes]:
    yield f"retry: {_RETRY_MS}\n\n".encode()
    async for event, data in live.events(managing=visitor.may(Permission.MANAGE)):
        yield f"event: {event}\ndata: {data}\n\n".encode()
