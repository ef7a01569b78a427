"""The page of one model: where it comes from, its evaluation, and its thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from console.accounts.visitor import Visitor
from console.services.library import library, thresholds
from console.services.library.evaluation import evaluation, parse_thresholds
from console.services.library.models import EvaluationView
from console.web.classifier_changes import after_thresholds
from console.web.curves import alarm_height, cost_chart, matrix_rows, precision_recall_lines, roc_lines
from console.web.errors import status_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError, TidzamError
from tidzam.open_set import ThresholdCost
from tidzam.open_set_report import ReportedCell, cost_at

router = APIRouter(prefix="/models/{name}")

_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)
KNOWN: Final = "known"
"""The label of the curve that separates known from unknown sounds."""
WEAK_PRECISION: Final = 0.5
"""Below this share of right detections, in training windows that were held out, a tag needs more annotations."""
WEAK_MISSED: Final = 0.5
"""The same for a larger share of missed calls."""
_Name = Annotated[str, Path(max_length=100)]
_Label = Annotated[str, Query(max_length=300)]
_Thresholds = Annotated[list[str] | None, Query(max_length=200)]
_FIELD: Final = "threshold:"
"""How the fields of thresholds in the form begin; the tag follows."""


@router.get("", dependencies=[_VIEW])
def show_model(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    name: _Name,
    true: _Label = "",
    recognized: _Label = "",
) -> Response:
    """The card. `true` and `recognized` choose the cell of the confusion matrix whose windows are listed."""
    return _page(request, visitor, runtime, name, cell=(true, recognized))


@router.get("/evaluation", dependencies=[_VIEW])
def show_evaluation(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: _Name) -> Response:
    """The confusion matrix and the curves at the thresholds of the form, which need not be saved."""
    shown = evaluation(runtime.settings, name, _thresholds_of(request.query_params))
    return render(request, "model_evaluation.html", visitor=visitor, name=name, cell=None, **_evaluated(shown))


@router.get("/cell", dependencies=[_VIEW])
def show_cell(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    name: _Name,
    true: _Label,
    recognized: _Label,
    threshold: _Thresholds = None,
) -> Response:
    """The windows of a cell of the confusion matrix, to listen to."""
    shown = evaluation(runtime.settings, name, parse_thresholds(threshold or ()))
    cell = _cell(shown, true, recognized)
    return render(request, "model_cell.html", visitor=visitor, name=name, cell=cell, zone=runtime.time_zone.key)


@router.post("/thresholds", dependencies=[_MANAGE])
async def save_thresholds(request: Request, visitor: CurrentVisitor, runtime: Runtime, name: _Name) -> Response:
    """Save the thresholds of the form."""
    form = await request.form()
    fields = {key: value for key, value in form.items() if isinstance(value, str)}
    return await run_in_threadpool(_save, request, visitor, runtime, name, fields)


def _save(request: Request, visitor: Visitor, runtime: ConsoleRuntime, name: str, fields: dict[str, str]) -> Response:
    try:
        seen = fields.get("version", "")
        version = thresholds.change_thresholds(
            runtime.settings, runtime.store, visitor, name, _thresholds_of(fields), version=seen, now=runtime.now()
        )
        if version != seen and (fault := after_thresholds(runtime, visitor, name, replaced=seen)):
            raise RequestError(f"The thresholds are saved, but the analyzer does not use them: {fault}", code="request")
    except TidzamError as error:
        return _page(request, visitor, runtime, name, error=error)
    return RedirectResponse(local_path(request, f"/models/{name}"), 303)


def _thresholds_of(fields: Mapping[str, str]) -> dict[str, float]:
    """The thresholds in the fields of the form. Raises RequestError."""
    return parse_thresholds(
        [f"{key.removeprefix(_FIELD)}:{value}" for key, value in fields.items() if key.startswith(_FIELD)]
    )


def _page(
    request: Request,
    visitor: Visitor,
    runtime: ConsoleRuntime,
    name: str,
    *,
    cell: tuple[str, str] = ("", ""),
    error: TidzamError | None = None,
) -> Response:
    settings = runtime.settings
    found = library.find_model(settings, runtime.monitor.analysis, name)
    shown = evaluation(settings, name, {}) if found.has_evaluation else None
    evaluated: dict[str, Any] = {"shown": None} if shown is None else _evaluated(shown)
    return render(
        request,
        "model.html",
        visitor=visitor,
        status=status_of(error) if error else 200,
        error=error,
        name=name,
        model=found,
        why_kept=library.why_in_use(settings, found),
        is_removable_from_live=name in library.removable_from_live(settings),
        zone=runtime.time_zone.key,
        weak={} if shown is None else _weak_tags(shown),
        costs={} if shown is None else {tag: _costs(shown, tag) for tag in shown.tags},
        cell=None if shown is None else _cell(shown, *cell),
        **evaluated,
    )


def _evaluated(shown: EvaluationView) -> dict[str, Any]:
    """What the charts draw."""
    test = shown.test
    if test is None:
        return {"shown": shown, "test": None}
    curves = {tag: test.precision_recall[tag] for tag in test.labels[:-1]}
    precisions = {tag: one.average_precision for tag, one in test.classes.items()}
    areas = {**{tag: one.auroc for tag, one in test.classes.items()}, KNOWN: test.known_auroc}
    return {
        "shown": shown,
        "test": test,
        "rows": matrix_rows(test.labels, test.confusion),
        "pr": precision_recall_lines(curves, precisions, shown.thresholds),
        "roc": roc_lines({**test.roc, KNOWN: test.known_roc}, areas, shown.thresholds),
        "chosen": [f"{tag}:{value}" for tag, value in shown.thresholds.items()] if not shown.are_saved else [],
    }


def _weak_tags(shown: EvaluationView) -> dict[str, ThresholdCost]:
    """The tags whose recognizer is wrong or misses too often to be of use, and what their thresholds cost."""
    costs = {tag: cost_at(one.costs, shown.thresholds[tag]) for tag, one in shown.tags.items()}
    return {
        tag: cost
        for tag, cost in costs.items()
        if cost is not None and (cost.precision < WEAK_PRECISION or cost.missed > WEAK_MISSED)
    }


def _costs(shown: EvaluationView, tag: str) -> dict[str, Any]:
    """What the slider of a tag shows: its chart, and the steps in a short form for its script."""
    costs = shown.tags[tag].costs
    chart = cost_chart(costs)
    return {
        "chart": chart,
        "now": cost_at(costs, shown.thresholds[tag]),
        "steps": [
            [
                cost.threshold,
                cost.missed,
                cost.false_alarms_per_day,
                cost.precision,
                alarm_height(cost.false_alarms_per_day or 0.0, chart.most_per_day),
            ]
            for cost in costs
        ],
    }


def _cell(shown: EvaluationView, true: str, recognized: str) -> ReportedCell | None:
    cells = shown.test.cells if shown.test else ()
    return next((one for one in cells if (one.true, one.recognized) == (true, recognized)), None)
