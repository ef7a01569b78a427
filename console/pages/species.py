"""The page of the classes that were heard."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from console.pages.detection_filters import presets, query_of, read_filter, today
from console.services.detection_charts import heard
from console.web.charts import bins_between, sparkline
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(dependencies=[needs(Permission.VIEW)])


@router.get("/species")
def show_species(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The classes, the most frequent first; each leads to its detections."""
    wanted, wrong = read_filter(request, runtime)
    assert wanted.first_day is not None
    assert wanted.last_day is not None
    bins = bins_between(wanted.first_day, wanted.last_day)
    found = heard(runtime.store, wanted, runtime.time_zone)
    return render(
        request,
        "species.html",
        visitor=visitor,
        wrong=wrong,
        wanted=wanted,
        presets=presets(wanted, today(runtime)),
        species=[(one, sparkline(one.days, bins), query_of(wanted, **{"class": "/".join(one.path)})) for one in found],
        bins=len(bins),
        total=sum(one.detections for one in found),
    )
