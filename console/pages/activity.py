"""The page of when in the day and in the year classes occur."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Form, Request
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from console.pages.detection_filters import today
from console.services import activity
from console.services.activity import ActivityData, ActivityQuery, ActivityView, PriorView
from console.services.turns import BusyError
from console.web.activity_chart import activity_chart, listened_text, rate_text
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import ConfigError, RequestError

router = APIRouter(prefix="/activity")

PERIODS: Final = ((30, "30 days"), (365, "A year"), (1096, "3 years"), (3653, "10 years"))


@router.get("", dependencies=[needs(Permission.VIEW)])
def show_activity(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """All classes, each with its curve of the day and of the year."""
    wanted, wrong = _read(request)
    try:
        found = _activity(runtime, wanted)
    except BusyError:
        raise
    except RequestError as error:
        wanted, wrong = ActivityQuery(data=wanted.data), str(error)
        found = _activity(runtime, wanted)
    prior, unreadable = _prior(runtime)
    location = runtime.settings.location
    return render(
        request,
        "activity.html",
        visitor=visitor,
        wrong=wrong or unreadable,
        found=found,
        data=wanted.data.value,
        silence=wanted.silence,
        charts=[activity_chart(one, found.last_day.year, location) for one in found.classes],
        periods=_periods(found.first_day, found.last_day, today(runtime), wanted.data),
        prior=prior,
        rate_text=rate_text,
        listened=listened_text(found.listened_h),
        has_position=location is not None,
    )


@router.post("/prior", dependencies=[needs(Permission.MANAGE)])
def make_prior(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    first_day: Annotated[date | None, Form()] = None,
    last_day: Annotated[date | None, Form()] = None,
    data: Annotated[ActivityData, Form()] = ActivityData.DETECTIONS,
) -> Response:
    """Make the time models of the analyzer from the days that are shown."""
    wanted = _validated({"first_day": first_day, "last_day": last_day, "data": data})
    store, settings, zone = runtime.store, runtime.settings, runtime.time_zone
    activity.fit_prior(store, settings, visitor, wanted, zone, ledger=runtime.ledger, now=runtime.now())
    days = {"first_day": str(first_day or ""), "last_day": str(last_day or "")}
    target = local_path(request, "/activity", **days, data=data.value)
    return RedirectResponse(target, 303)


def _activity(runtime: ConsoleRuntime, wanted: ActivityQuery) -> ActivityView:
    return activity.activity(runtime.store, wanted, runtime.time_zone, ledger=runtime.ledger, now=runtime.now())


def _read(request: Request) -> tuple[ActivityQuery, str | None]:
    """The days in an address, and what is wrong with them, which are then ignored."""
    values = {name: value for name, value in request.query_params.items() if value}
    try:
        return ActivityQuery.model_validate(values), None
    except ValidationError as error:
        first = error.errors()[0]
        return ActivityQuery(), f"{'.'.join(map(str, first['loc']))} was ignored: {first['msg'].lower()}."


def _validated(values: dict[str, object]) -> ActivityQuery:
    """Raises RequestError (`request`) for impossible days."""
    try:
        return ActivityQuery.model_validate(values)
    except ValidationError:
        raise RequestError("The days are not possible.", code="request", field="first_day") from None


def _prior(runtime: ConsoleRuntime) -> tuple[PriorView | None, str | None]:
    """The time models of the analyzer, or why they cannot be read."""
    try:
        return activity.prior(runtime.settings), None
    except ConfigError as error:
        return None, str(error)


def _periods(first: date, last: date, now: date, data: ActivityData) -> list[tuple[str, str, bool]]:
    """Links to usual periods: title, query, and whether it is the present one."""
    found = []
    for days, title in PERIODS:
        begin = now - timedelta(days=days - 1)
        found.append((title, f"first_day={begin}&last_day={now}&data={data}", (begin, now) == (first, last)))
    return found
