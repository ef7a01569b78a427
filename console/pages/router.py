"""All pages put together. A new page adds its router here, and a line in `console.web.navigation`."""

from __future__ import annotations

from fastapi import APIRouter

from console.pages import (
    account,
    activity,
    annotate,
    api_docs,
    audit,
    backups,
    build,
    detections,
    label,
    login,
    microphone,
    model,
    models,
    node,
    novelty,
    now,
    search,
    source,
    sources,
    species,
    tags,
    users,
)


def page_router() -> APIRouter:
    """The routes of all pages. They are not part of the REST API's description."""
    router = APIRouter(include_in_schema=False)
    about_models = (build, models, model)  # the page of a model is at its name: pages with fixed names come first
    for page in (
        login,
        now,
        detections,
        annotate,
        species,
        search,
        label,
        novelty,
        activity,
        *about_models,
        node,
        account,
        users,
        audit,
        api_docs,
    ):
        router.include_router(page.router)
    for page in (sources, source, microphone, backups, tags):
        router.include_router(page.router)
    return router
