"""The page of the novelty inbox: groups of sounds unlike anything heard before, each named with one click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Query, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from console.accounts.visitor import Visitor
from console.services.annotations.tags import list_tags
from console.services.novelty_inbox import answers
from console.services.novelty_inbox.models import (
    MOST_SOUNDS,
    GroupOrder,
    NovelNumbers,
    NoveltyAnswer,
    NoveltyQuery,
)
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError

router = APIRouter(prefix="/novelty")

_VIEW, _ANNOTATE = needs(Permission.VIEW), needs(Permission.ANNOTATE)
_NUMBERS: Final[TypeAdapter[tuple[int, ...]]] = TypeAdapter(NovelNumbers)
SIZES: Final = (
    (0.5, "nearly equal"),
    (0.75, "much alike"),
    (1.0, "alike"),
    (1.4, "roughly alike"),
    (2.0, "remotely alike"),
)
"""Factors of the distance of groups to choose from, with their names."""
_Ids = Annotated[str, Form(max_length=20 * MOST_SOUNDS)]
_LeftOut = Annotated[list[int], Form(max_length=MOST_SOUNDS)]
_Tag = Annotated[str, Form(max_length=255)]


@router.get("", dependencies=[_VIEW])
def show_novelty(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The page. Its address holds how sounds are grouped."""
    query = _query(request)
    return render(
        request,
        "novelty.html",
        visitor=visitor,
        inbox=runtime.novelty.view(query),
        query=query,
        choices=urlencode({"looseness": query.looseness}),
        orders=list(GroupOrder),
        sizes=SIZES,
        tags=[one.name for one in list_tags(runtime.store)],
        zone=runtime.time_zone.key,
    )


@router.get("/state", dependencies=[_VIEW])
def show_state(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    newest: Annotated[int, Query(ge=0, lt=1 << 62)] = 0,
    compared: Annotated[int, Query(ge=0)] = 0,
) -> Response:
    """Whether there is more by now than a page shows, which has the sound `newest` and has `compared` so many."""
    inbox = runtime.novelty.view(NoveltyQuery(limit=1, sounds=1), wait_s=0)
    return render(request, "novelty_state.html", visitor=visitor, inbox=inbox, newest=newest, compared=compared)


@router.get("/sounds", dependencies=[_VIEW])
def show_sounds(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, of: Annotated[int, Query(ge=0, lt=1 << 62)]
) -> Response:
    """All sounds of the group that holds one."""
    query = _query(request).model_copy(update={"limit": MOST_SOUNDS, "sounds": MOST_SOUNDS})
    groups = runtime.novelty.view(query).groups
    found = next((group.sounds for group in groups if of in group.ids), ())
    return render(request, "novelty_sounds.html", visitor=visitor, sounds=found, zone=runtime.time_zone.key)


@router.post("/name", dependencies=[_ANNOTATE])
def name(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    ids: _Ids,
    left_out: _LeftOut = [],  # noqa: B006  # FastAPI copies it
    tag: _Tag = "",
) -> Response:
    """Give the sounds of a group a name."""

    def answer() -> NoveltyAnswer:
        return answers.name_sounds(runtime.annotations, visitor, _chosen(ids, left_out), tag)

    return _answered(request, visitor, runtime, answer, tag=tag)


@router.post("/dismiss", dependencies=[_ANNOTATE])
def dismiss(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    ids: _Ids,
    left_out: _LeftOut = [],  # noqa: B006  # FastAPI copies it
) -> Response:
    """Say that the sounds of a group are not interesting."""

    def answer() -> NoveltyAnswer:
        return answers.dismiss_sounds(runtime.annotations, visitor, _chosen(ids, left_out))

    return _answered(request, visitor, runtime, answer)


@router.post("/restore", dependencies=[_ANNOTATE])
def restore(request: Request, visitor: CurrentVisitor, runtime: Runtime, ids: _Ids, tag: _Tag = "") -> Response:
    """Take an answer back."""

    def answer() -> NoveltyAnswer:
        return answers.restore_sounds(runtime.annotations, visitor, _chosen(ids, ()), tag or None)

    return _answered(request, visitor, runtime, answer, tag=tag, is_restored=True)


def _query(request: Request) -> NoveltyQuery:
    """How sounds are grouped by the address of the page; by default if that is nonsense."""
    given = {name: request.query_params[name] for name in ("looseness", "order") if request.query_params.get(name)}
    try:
        return NoveltyQuery.model_validate(given)
    except ValidationError:
        return NoveltyQuery()


def _chosen(ids: str, left_out: Sequence[int]) -> tuple[int, ...]:
    """The sounds of a group except those that are left out. Raises RequestError (`request`)."""
    try:
        numbers = _NUMBERS.validate_python(tuple(ids.split(",")))
        return _NUMBERS.validate_python(tuple(one for one in numbers if one not in {*left_out}))
    except ValidationError:
        message, hint = "ids: there is no sound left.", "Leave fewer out."
        raise RequestError(message, hint=hint, code="request", field="ids") from None


def _answered(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    answer: Callable[[], NoveltyAnswer],
    **values: Any,
) -> Response:
    """What takes the place of a group that was answered, or why it could not be."""
    shown: dict[str, Any] = {"tag": "", "is_restored": False, "error": None, **values}
    try:
        response = render(request, "novelty_answer.html", visitor=visitor, answer=answer(), **shown)
        response.headers["HX-Trigger"] = "novelty-answered"
        return response
    except RequestError as error:
        response = render(request, "novelty_answer.html", visitor=visitor, answer=None, **{**shown, "error": error})
        response.headers["HX-Retarget"] = "find .novel-fault"
        response.headers["HX-Reswap"] = "innerHTML"
        return response
