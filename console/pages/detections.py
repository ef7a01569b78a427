"""The page of detections: filters, charts, and the list that is judged by keyboard."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from console.pages.detection_filters import presets, query_of, read_filter, today
from console.services.detection_charts import day_counts, hour_counts
from console.services.detection_models import DetectionSearch, VerdictName
from console.services.detections import filter_choices, find_detection, list_detections
from console.services.exports.ebird import ebird_file
from console.services.exports.parquet import parquet_is_installed
from console.services.rarity import Rarity
from console.web.charts import bar_chart, bins_between, heat_map, step_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/detections", dependencies=[needs(Permission.VIEW)])

PAGE: Final = 40
_Before = Annotated[str | None, Query(max_length=50)]


@router.get("")
def show_detections(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The page. Its address holds the filter."""
    wanted, wrong = read_filter(request, runtime)
    now = today(runtime)
    shown = _charts(runtime, wanted)
    return render(
        request,
        "detections.html",
        visitor=visitor,
        wrong=wrong,
        choices=filter_choices(runtime.store, runtime.known_classes),
        presets=presets(wanted, now),
        is_live=wanted.last_day is not None and wanted.last_day >= now,
        zone=runtime.time_zone.key,
        has_parquet=parquet_is_installed(),
        has_position=runtime.settings.location is not None,
        # A page that ends today goes on after midnight.
        polled=query_of(wanted, last_day=None) if wanted.last_day == now else shown["query"],
        **shown,
        **_rows(runtime, wanted, None),
    )


@router.get("/charts")
def show_charts(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The charts, which the page loads again when something changes."""
    wanted, _ = read_filter(request, runtime)
    return render(request, "detection_charts.html", visitor=visitor, **_charts(runtime, wanted))


@router.get("/ebird")
def show_ebird(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """What a file for eBird would hold, and what it would leave out."""
    wanted, _ = read_filter(request, runtime)
    found = ebird_file(runtime.store, wanted, runtime.time_zone, runtime.known_classes)
    return render(request, "detection_ebird.html", visitor=visitor, found=found, query=query_of(wanted))


@router.get("/rows")
def show_rows(request: Request, visitor: CurrentVisitor, runtime: Runtime, before: _Before = None) -> Response:
    """The newest detections, or those of the next page."""
    wanted, _ = read_filter(request, runtime)
    return render(
        request,
        "detection_rows.html",
        visitor=visitor,
        **_rows(runtime, wanted, before),
    )


@router.get("/{detection_id}/panel")
def show_panel(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    detection_id: Annotated[int, Path(ge=0, lt=1 << 62)],
) -> Response:
    """A detection with its sound, which opens below its row."""
    return render(
        request,
        "detection_panel.html",
        visitor=visitor,
        one=find_detection(runtime.store, detection_id, runtime.time_zone),
        words=WORDS,
        zone=runtime.time_zone.key,
    )


WORDS: Final = {
    VerdictName.RIGHT: "right",
    VerdictName.WRONG: "wrong",
    VerdictName.OTHER_CLASS: "other class",
    VerdictName.UNSURE: "unsure",
}
"""Verdicts, as people read them."""

NEWS: Final = {
    Rarity.EVER: "first ever",
    Rarity.YEAR: "first of the year",
    Rarity.RETURN: "back again",
    Rarity.SEASON: "first of the season",
    Rarity.DAY: "first of the day",
}
"""What is new about a detection, as people read it."""


def _rows(runtime: ConsoleRuntime, wanted: DetectionSearch, before: str | None) -> dict[str, Any]:
    page = list_detections(runtime.store, wanted, runtime.time_zone, runtime.known_classes, before=before, limit=PAGE)
    return {
        "detections": page.detections,
        "older": None if page.next is None else query_of(wanted, before=page.next),
        "words": WORDS,
        "news": NEWS,
    }


def _charts(runtime: ConsoleRuntime, wanted: DetectionSearch) -> dict[str, Any]:
    assert wanted.first_day is not None
    assert wanted.last_day is not None
    bins = bins_between(wanted.first_day, wanted.last_day)
    step, known = step_of(bins), runtime.known_classes
    days = day_counts(runtime.store, wanted, runtime.time_zone, known, step_days=step)
    hours = hour_counts(runtime.store, wanted, runtime.time_zone, known, step_days=step)
    bars = bar_chart(bins, ((one.day, one.path[-1], one.detections) for one in days))
    return {
        "wanted": wanted,
        "query": query_of(wanted),
        "bars": bars,
        "heat": heat_map(bins, ((one.day, one.hour, one.detections) for one in hours)),
        "total": sum(bars.totals),
    }
