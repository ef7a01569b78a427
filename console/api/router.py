"""The REST API put together. A new topic adds its router here."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from console.api import (
    account,
    activity,
    audit,
    backups,
    classes,
    classifiers,
    detections,
    forward,
    heard,
    jobs,
    listen,
    live,
    microphones,
    models,
    node,
    novelty,
    search,
    session,
    sound,
    sources,
    tags,
    users,
)
from console.api import annotations as annotation_routes
from console.api import recognizers as builder_routes
from console.web.errors import RESPONSES

PREFIX = "/api/v1"


def api_router() -> APIRouter:
    """All routes of the REST API."""
    responses: dict[int | str, dict[str, Any]] = dict(RESPONSES)
    router = APIRouter(prefix=PREFIX, responses=responses)
    of_sound = (
        node,
        live,
        listen,
        detections,
        classes,
        activity,
        sound,
        annotation_routes,
        tags,
        search,
        novelty,
        jobs,
    )
    for topic in (session, *of_sound, builder_routes, classifiers, models, account, users, audit):
        router.include_router(topic.router)
    for topic in (sources, heard, microphones, backups, forward):
        router.include_router(topic.router)
    return router
