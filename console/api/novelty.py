"""REST: the novelty inbox, sounds unlike anything heard before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services.novelty_inbox import answers
from console.services.novelty_inbox.models import (
    NameRequest,
    NovelSoundsRequest,
    NoveltyAnswer,
    NoveltyInboxView,
    NoveltyQuery,
    RestoreRequest,
)
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/novelty", tags=["Novelty"])

_VIEW, _ANNOTATE = needs(Permission.VIEW), needs(Permission.ANNOTATE)


@router.get("", dependencies=[_VIEW])
def list_novel_sounds(runtime: Runtime, query: Annotated[NoveltyQuery, Query()]) -> NoveltyInboxView:
    """The newest detections of the class `novel` that nobody has judged, in groups of sounds that are alike.

    Sounds are compared in the background: `waiting` says how many are left.
    """
    return runtime.novelty.view(query)


@router.post("/name", dependencies=[_ANNOTATE])
def name_novel_sounds(request: NameRequest, visitor: CurrentVisitor, runtime: Runtime) -> NoveltyAnswer:
    """Give sounds a name: each becomes an annotation, and is judged as that class. Those that somebody has judged
    meanwhile are skipped."""
    return answers.name_sounds(runtime.annotations, visitor, request.ids, request.tag)


@router.post("/dismiss", dependencies=[_ANNOTATE])
def dismiss_novel_sounds(request: NovelSoundsRequest, visitor: CurrentVisitor, runtime: Runtime) -> NoveltyAnswer:
    """Judge sounds as wrong: they are nothing unusual."""
    return answers.dismiss_sounds(runtime.annotations, visitor, request.ids)


@router.post("/restore", dependencies=[_ANNOTATE])
def restore_novel_sounds(request: RestoreRequest, visitor: CurrentVisitor, runtime: Runtime) -> NoveltyAnswer:
    """Take back what the user said about sounds, so that they are in the inbox again. Annotations with `tag` that were
    made with it are deleted, unless somebody has changed them."""
    return answers.restore_sounds(runtime.annotations, visitor, request.ids, request.tag)
