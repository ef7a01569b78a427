"""REST: what is heard at present, at once and as it changes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from console.accounts.visitor import Visitor
from console.live.broadcast import LiveBroadcast
from console.live.models import LiveUpdate
from console.live.state import MOST_CHANNELS
from console.services.recent import RecentHours, RecentQuery, recent_hours
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.streaming import Stream
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/live", tags=["Live"], dependencies=[needs(Permission.VIEW)])

_RETRY_MS = 2000
_Spectrograms = Annotated[
    frozenset[Annotated[str, Field(max_length=200)]],
    Query(max_length=MOST_CHANNELS, description="JACK ports of the channels whose spectrograms are sent; `*` for all"),
]
_EVENTS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events: `live`, each a LiveUpdate as JSON; `spectrogram`, each like the analyzer's "
        "event of this name, with the channels that are asked for; `annotations`, each an AnnotationsChanged; and "
        "`job`, each a JobView, when a job was added, advances or has ended; without the permission `manage`, it lacks "
        "what GET /jobs leaves out",
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
async def follow_live(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, spectrogram: _Spectrograms = frozenset()
) -> Stream:
    """The same as server-sent events, and twice a second what has changed since. It goes on until the client leaves.

    Who connects again reads jobs and annotations again, too: what has changed in between is not sent.
    """
    events = _events(runtime.live, visitor, spectrogram)
    return Stream(request, events, visitor=visitor, media_type="text/event-stream")


async def _events(live: LiveBroadcast, visitor: Visitor, spectrograms: frozenset[str]) -> AsyncGenerator[bytes]:
    yield f"retry: {_RETRY_MS}\n\n".encode()
    async for event, data in live.events(managing=visitor.may(Permission.MANAGE), spectrograms=spectrograms):
        yield f"event: {event}\ndata: {data}\n\n".encode()
