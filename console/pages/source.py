"""The page of one source: its state, what was heard of it, its history, and how it is changed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.pages.source_form import SourceForm, SourceValues, probe_words
from console.pages.sources import DAYS, Day
from console.services.sources.changes import SourceChange, SourceTest
from console.services.sources.views import ManagedSource
from console.web.errors import FRAGMENT_HEADER, status_of
from console.web.heard_strip import duration, strip_rows
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError
from tidzam.protocol.source_status import TransitionRecord

router = APIRouter(prefix="/sources/{name}")

DONE = {
    "added": "The source was added. It is loaded again when the node restarts.",
    "changed": "The source was changed. It is loaded like this when the node restarts, too.",
    "reloaded": "The source was loaded again.",
    "recording": "The recording was switched.",
}
Done = Annotated[Literal["added", "changed", "reloaded", "recording"] | None, Query()]


@router.get("", dependencies=[needs(Permission.VIEW)])
async def show_source(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str, day: Day = None, done: Done = None
) -> Response:
    """A source; only its state for the page that renews it."""
    source = runtime.sources.find(name)
    if FRAGMENT_HEADER in request.headers:
        return render(request, "source_state.html", visitor=visitor, source=source, duration=duration)
    return await source_page(request, visitor, runtime, source, day=day, done=DONE[done] if done else None)


@router.post("", dependencies=[needs(Permission.MANAGE)])
async def test_or_change(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str, form: SourceForm
) -> Response:
    """Test the address of the form, or load it in place of what the source plays."""
    found = None
    try:
        if form.action == "test":
            found = probe_words(await runtime.sources.test(SourceTest(**form.tested)))
            if FRAGMENT_HEADER in request.headers:
                return render(request, "source_test.html", visitor=visitor, found=found, error=None)
        else:
            await runtime.sources.change(visitor, name, SourceChange(**form.loaded))
            return RedirectResponse(local_path(request, f"/sources/{name}", done="changed"), 303)
    except RequestError as error:
        if FRAGMENT_HEADER in request.headers:
            return render(request, "source_test.html", visitor=visitor, found=None, error=error)
        source = runtime.sources.find(name)
        return await source_page(request, visitor, runtime, source, values=form, error=error)
    return await source_page(request, visitor, runtime, runtime.sources.find(name), values=form, found=found)


@router.post("/remove", dependencies=[needs(Permission.MANAGE)])
async def remove(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Unload the source, and forget it if it was added."""
    await runtime.sources.remove(visitor, name)
    return RedirectResponse(local_path(request, "/sources"), 303)


@router.post("/reload", dependencies=[needs(Permission.MANAGE)])
async def load_again(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str) -> Response:
    """Load the source as the profile has it."""
    await runtime.sources.reload(visitor, name)
    return RedirectResponse(local_path(request, f"/sources/{name}", done="reloaded"), 303)


@router.post("/recording", dependencies=[needs(Permission.MANAGE)])
async def switch_recording(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, name: str, on: Annotated[bool, Form()]
) -> Response:
    """Record the source from now on, or no longer."""
    await runtime.sources.switch_recording(visitor, name, on=on)
    return RedirectResponse(local_path(request, f"/sources/{name}", done="recording"), 303)


async def source_page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    source: ManagedSource,
    *,
    day: date | None = None,
    done: str | None = None,
    values: SourceValues | None = None,
    found: str | None = None,
    error: RequestError | None = None,
) -> Response:
    """The page, with what was typed and what became of it."""
    transitions = await _transitions(runtime, source.name)

    def rendered() -> Response:
        now = runtime.now()
        report = runtime.heard.report(now=now, days=DAYS, source=source.name)
        shown = day or report.days[-1]
        return render(
            request,
            "source.html",
            visitor=visitor,
            status=status_of(error) if error else 200,
            source=source,
            report=report,
            rows=strip_rows(report),
            gap_day=runtime.heard.gaps(shown, now=now, source=source.name),
            before=shown - timedelta(days=1),
            after=shown + timedelta(days=1) if shown < report.days[-1] else None,
            transitions=transitions,
            duration=duration,
            values=values or _values(source),
            is_in_profile=any(one.name == source.name for one in runtime.settings.sources),
            done=done,
            found=found,
            error=error,
            roots=runtime.settings.stream_manager.media_roots,
        )

    return await run_in_threadpool(rendered)


async def _transitions(runtime: ConsoleRuntime, name: str) -> tuple[TransitionRecord, ...]:
    """The newest first; none of a source that is not loaded, or while the stream manager is away."""
    try:
        return tuple(reversed((await runtime.sources.transitions(name)).transitions))
    except RequestError:
        return ()


def _values(source: ManagedSource) -> SourceValues:
    """The form with what the source plays; without an address that is not known in full."""
    return SourceValues(
        url=source.url if source.is_url_complete else "",
        channels=",".join(source.selected or ()),
        format=source.format,
        loop=source.loop,
    )
