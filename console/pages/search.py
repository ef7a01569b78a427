"""The page of search by example: choose a sound, and hear what sounds alike in the recordings."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from console.services.annotations.tags import list_tags
from console.services.annotator_channels import annotator_channels
from console.services.detections import filter_choices
from console.services.search.models import ExampleQuery, SearchAnswer, SearchIndexView
from console.services.search.similar import find_similar, index_view
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from tidzam.accounts.roles import Permission
from tidzam.errors import TidzamError

router = APIRouter(prefix="/search", dependencies=[needs(Permission.VIEW)])

AROUND: Final = timedelta(seconds=5)
"""What is shown before and after an example."""
LISTEN: Final = timedelta(seconds=15)
"""What is shown of a channel from the time on that was asked for."""
_MARGIN: Final = timedelta(seconds=0.5)
_MANY: Final = frozenset({"only_channel"})


@router.get("")
def show_search(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The page. Its address holds the example and the limits of the search."""
    given = {name: value for name, value in request.query_params.items() if value}
    answer, wrong = _answered(runtime, request.query_params.multi_items(), given)
    index, missing = _index(runtime)
    return render(
        request,
        "search.html",
        visitor=visitor,
        given=given,
        answer=answer,
        wrong=wrong,
        index=index,
        missing=missing,
        listened=_listened(runtime, given) if answer is None else _around(answer),
        channels=filter_choices(runtime.store, runtime.known_classes).channels,
        examples=annotator_channels(runtime.store, runtime.settings, runtime.monitor.view),
        zone=runtime.time_zone.key,
        tags=[one.name for one in list_tags(runtime.store)],
        sound_of=sound_of,
        example_of=example_query,
        margin_s=_MARGIN.total_seconds(),
    )


def sound_of(channel: str, start: datetime, end: datetime, margin: timedelta = _MARGIN) -> str:
    """The query of the sound of a section, with a margin before and after it."""
    first, length = start - margin, end - start + 2 * margin
    values = {"channel": channel, "start": first.isoformat(), "duration_s": f"{length.total_seconds():.3f}"}
    return urlencode(values)


def example_query(channel: str, start: datetime, end: datetime) -> str:
    """The query of a search for what sounds like a section."""
    return urlencode({"channel": channel, "start": start.isoformat(), "end": end.isoformat()})


def _answered(
    runtime: ConsoleRuntime, parameters: Iterable[tuple[str, str]], given: dict[str, str]
) -> tuple[SearchAnswer | None, str | None]:
    """What is found, and what is wrong. Neither if nothing was asked for."""
    if not given.keys() & {"detection", "annotation", "start", "end"}:
        return None, None
    values: dict[str, Any] = {}
    for name, value in parameters:
        if value and name in _MANY:
            values.setdefault(name, []).append(value)
        elif value:
            values[name] = value
    try:
        query = ExampleQuery.model_validate(values)
        return find_similar(runtime.settings, runtime.store, runtime.examples, query, runtime.time_zone), None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"][:1]))
        return None, f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
    except TidzamError as error:
        return None, str(error)


def _index(runtime: ConsoleRuntime) -> tuple[SearchIndexView | None, str | None]:
    """What can be searched, or why nothing can."""
    try:
        return index_view(runtime.settings), None
    except TidzamError as error:
        return None, str(error)


def _around(answer: SearchAnswer) -> dict[str, Any]:
    """The sound in which the example is shown, and where the example lies in it."""
    start_s = AROUND.total_seconds()
    return {
        "channel": answer.channel,
        "sound": sound_of(answer.channel, answer.start, answer.end, AROUND),
        "start_s": start_s,
        "end_s": start_s + (answer.end - answer.start).total_seconds(),
    }


def _listened(runtime: ConsoleRuntime, given: dict[str, str]) -> dict[str, Any] | None:
    """The sound of a channel from a time of the node's clock on, in which an example can be chosen."""
    try:
        time = datetime.fromisoformat(given["at"])
        local = time.replace(tzinfo=runtime.time_zone) if time.tzinfo is None else time
        start = local.astimezone(UTC)
        return {"channel": given["channel"], "sound": sound_of(given["channel"], start, start + LISTEN, timedelta())}
    except (KeyError, ValueError, OverflowError):
        return None
