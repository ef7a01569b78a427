"""The console put together: its store, the node's state, the REST API, the pages and the static files."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from console.api.router import api_router
from console.live.broadcast import live_broadcast
from console.openid.provider import openid_provider
from console.pages import openid
from console.pages.router import page_router
from console.services.jobs.requests import job_desk
from console.services.node_monitor import NodeMonitor
from console.services.search.upkeep import IndexUpkeep
from console.services.stream_manager_link import StreamManagerLink
from console.services.upkeep import StoreUpkeep
from console.web import health, static_files
from console.web.errors import add_error_handlers
from console.web.guard import RequestGuard
from console.web.head_requests import HeadRequests
from console.web.open_streams import OpenStreams
from console.web.permissions import route_permissions
from console.web.proxies import TrustedProxies
from console.web.runtime import ConsoleRuntime
from tidzam import __version__
from tidzam.config import Settings
from tidzam.store.database import Store

log = logging.getLogger(__name__)

DESCRIPTION = "The REST API of a Tidzam node. Programs send a token, or log in and keep the cookie."


def make_runtime(settings: Settings, store: Store, token: str | None) -> ConsoleRuntime:
    """What the routes use, for the node of `settings`."""
    monitor = NodeMonitor(
        settings.node.known_as,
        manager=settings.stream_manager.url,
        analyzer=settings.analyzer.url,
        token=token,
        now=_now,
    )
    live = live_broadcast(settings.analyzer.url, monitor, token=token, now=_now)
    return ConsoleRuntime(
        settings=settings,
        store=store,
        monitor=monitor,
        live=live,
        manager=StreamManagerLink(settings.stream_manager.url, token=token),
        streams=OpenStreams(settings.console.streams, settings.console.streams_per_visitor),
        jobs=job_desk(store, settings, live.notices, now=_now),
        token=token,
        now=_now,
        openid=openid_provider(settings.console.oidc, now=_now),
    )


@cache
def routes() -> list[BaseRoute]:
    """The routes of all applications of this process. Making them takes most of an application's start.

    Raises LookupError for a route that states no permission.
    """
    router = APIRouter(generate_unique_id_function=lambda route: route.name)
    for topic in (api_router(), page_router(), openid.router, health.router, static_files.router):
        router.include_router(topic)
    route_permissions(router.routes)
    return router.routes


def create_app(runtime: ConsoleRuntime) -> FastAPI:
    """The application. Raises LookupError for a route that states no permission."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        upkeep = StoreUpkeep(runtime.store, runtime.settings, now=runtime.now)
        async with (
            runtime.monitor.running(),
            upkeep.running(),
            IndexUpkeep(runtime.settings, runtime.store).running(),
            runtime.live.running(),
            runtime.jobs.watch.running(),
            runtime.microphones.running(),
        ):
            yield
        runtime.novelty.close()
        runtime.examples.close()

    app = FastAPI(
        title="Tidzam",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        lifespan=lifespan,
        routes=routes(),
    )
    app.state.runtime = runtime
    add_error_handlers(app)
    return app


def guarded(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application behind the checks that all requests pass."""
    return TrustedProxies(RequestGuard(HeadRequests(app), settings), settings.console)


def _now() -> datetime:
    return datetime.now(UTC)
