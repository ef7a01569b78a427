"""The pages of the sources: all of them, what was heard, and the form to add one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.pages.source_form import SourceForm, SourceValues, probe_words
from console.services.sources.changes import NewSource, SourceTest
from console.web.errors import FRAGMENT_HEADER, status_of
from console.web.heard_strip import duration, strip_rows
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError
from tidzam.protocol.messages import parse
from tidzam.protocol.source_requests import LoadSource

router = APIRouter(prefix="/sources")

DAYS = 14
Day = Annotated[date | None, Query(ge=date(2000, 1, 1), le=date(2200, 1, 1))]


@router.get("", dependencies=[needs(Permission.VIEW)])
def show_sources(request: Request, visitor: CurrentVisitor, runtime: Runtime, day: Day = None) -> Response:
    """All sources; only the list of them for the page that renews it."""
    if FRAGMENT_HEADER in request.headers:
        return render(request, "source_list.html", visitor=visitor, overview=runtime.sources.overview)
    return sources_page(request, visitor, runtime, day=day)


@router.post("", dependencies=[needs(Permission.MANAGE)])
async def test_or_add(request: Request, visitor: CurrentVisitor, runtime: Runtime, form: SourceForm) -> Response:
    """Test the address of the form, or add the source."""
    try:
        if form.action == "test":
            return await tested(request, visitor, runtime, form)
        await runtime.sources.add(visitor, new_source(form))
    except RequestError as error:
        if FRAGMENT_HEADER in request.headers:
            return render(request, "source_test.html", visitor=visitor, found=None, error=error)
        return await run_in_threadpool(sources_page, request, visitor, runtime, values=form, error=error)
    return RedirectResponse(local_path(request, f"/sources/{form.name}", done="added"), 303)


async def tested(request: Request, visitor: Visitor, runtime: ConsoleRuntime, form: SourceValues) -> Response:
    """The result of a test, for a page that shows it. Raises RequestError with the reason why it failed."""
    found = probe_words(await runtime.sources.test(SourceTest(**form.tested)))
    if FRAGMENT_HEADER in request.headers:
        return render(request, "source_test.html", visitor=visitor, found=found, error=None)
    return await run_in_threadpool(sources_page, request, visitor, runtime, values=form, found=found)


def new_source(form: SourceValues) -> NewSource:
    """The source that a form describes. Raises RequestError."""
    parse(LoadSource, {"name": form.name, "url": form.url or None})
    return NewSource(name=form.name, **form.loaded)


def sources_page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    *,
    day: date | None = None,
    values: SourceValues | None = None,
    found: str | None = None,
    error: RequestError | None = None,
) -> Response:
    """The page, with what was typed and what became of it. It reads the store."""
    now = runtime.now()
    report = runtime.heard.report(now=now, days=DAYS)
    shown = day or report.days[-1]
    return render(
        request,
        "sources.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        overview=runtime.sources.overview,
        report=report,
        rows=strip_rows(report),
        gap_day=runtime.heard.gaps(shown, now=now),
        before=shown - timedelta(days=1),
        after=shown + timedelta(days=1) if shown < report.days[-1] else None,
        duration=duration,
        values=values or SourceValues(),
        found=found,
        error=error,
        roots=runtime.settings.stream_manager.media_roots,
    )
