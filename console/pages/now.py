"""The first page: what is heard now, and was in the last hours."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.accounts.visitor import Visitor
from console.services.detections import filter_choices
from console.services.recent import RecentQuery, recent_hours
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.recent_chart import channel_gaps, recent_chart, sun_line
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])

_Model = Annotated[str | None, Query(max_length=200)]


@router.get("/")
def show_now(request: Request, visitor: CurrentVisitor, runtime: Runtime, model: _Model = None) -> Response:
    """Channels with what they hold, detections as they come, and the last hours."""
    models = tuple(
        f"{one.name}@{one.version}" for one in filter_choices(runtime.store, runtime.known_classes).models if one.name
    )
    codec = runtime.settings.icecast.codec
    return _rendered(
        request, visitor, runtime, "now.html", models=models, model=model, codec=codec, **_hours(runtime, model)
    )


@router.get("/now/channels")
def show_channels(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The channels, which the page loads again when there are others."""
    return _rendered(request, visitor, runtime, "now_channels.html")


@router.get("/now/hours")
def show_hours(request: Request, visitor: CurrentVisitor, runtime: Runtime, model: _Model = None) -> Response:
    """The last hours, which the page loads again when something was heard."""
    return render(request, "now_hours.html", visitor=visitor, **_hours(runtime, model))


def _hours(runtime: ConsoleRuntime, model: str | None) -> dict[str, Any]:
    recent = recent_hours(runtime.store, RecentQuery(model=model or None), **runtime.place_and_time())
    zone = runtime.time_zone
    names = {
        channel.port: f"{source.name} {channel.name}"
        for source in runtime.live.state.sources
        for channel in source.channels
    }
    return {
        "recent": recent,
        "chart": recent_chart(recent, zone),
        "gaps": channel_gaps(recent.gaps, zone, lambda port: names.get(port, port)),
        "sun": sun_line(recent.daylight, zone, recent.time) if recent.daylight else "",
    }


def _rendered(request: Request, visitor: Visitor, runtime: ConsoleRuntime, template: str, **values: Any) -> Response:
    state = runtime.live.state
    layout, sources = state.layout, state.sources
    return render(
        request,
        template,
        visitor=visitor,
        layout=layout,
        sources=sources,
        zone=str(runtime.time_zone),
        live=state,
        **values,
    )
