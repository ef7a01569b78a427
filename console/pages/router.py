"""All pages put together. A new page adds its router here, and a line in `console.web.navigation`."""

from __future__ import annotations

from fastapi import APIRouter

from console.pages import (
    account,
    activity,
    api_docs,
    audit,
    build,
    detections,
    listen,
    login,
    node,
    now,
    species,
    users,
)


def page_router() -> APIRouter:
    """The routes of all pages. They are not part of the REST API's description."""
    router = APIRouter(include_in_schema=False)
    for page in (login, now, listen, detections, species, activity, build, node, account, users, audit, api_docs):
        router.include_router(page.router)
    return router
