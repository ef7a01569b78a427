"""The page of the classes that were heard, where managers decide about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from console.pages.detection_filters import presets, query_of, read_filter, today
from console.services import class_management
from console.services.class_management import ClassRuleRequest, ClassRuleView
from console.services.detection_charts import heard
from console.services.detection_models import CountFilter, DetectionSearch
from console.services.detections import filter_choices
from console.web.charts import bins_between, sparkline, step_of
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.runtime import ConsoleRuntime
from console.web.templates import render
from console.web.urls import local_path
from tidzam.accounts.roles import Permission
from tidzam.class_rules import Threshold
from tidzam.errors import ConfigError
from tidzam.store.lookups import SEPARATOR

router = APIRouter(prefix="/species")

_Path = Annotated[str, Form(min_length=1, max_length=500)]
_Query = Annotated[str, Form(max_length=2000)]


@router.get("", dependencies=[needs(Permission.VIEW)])
def show_species(
    request: Request, visitor: CurrentVisitor, runtime: Runtime, done: str = "", left: int = 0, kept: int = 0
) -> Response:
    """The classes, the most frequent first; each leads to its detections. `done` is what was just removed."""
    wanted, wrong = read_filter(request, runtime)
    wanted = _counted(wanted)
    assert wanted.first_day is not None
    assert wanted.last_day is not None
    bins = bins_between(wanted.first_day, wanted.last_day)
    step = step_of(bins)
    found = heard(runtime.store, wanted, runtime.time_zone, runtime.known_classes, step_days=step)
    rules, unreadable = _rules(runtime)
    paths = [SEPARATOR.join(one.path) for one in found]
    return render(
        request,
        "species.html",
        visitor=visitor,
        wrong=unreadable or wrong,
        wanted=wanted,
        presets=presets(wanted, today(runtime)),
        groups=_groups(wanted, filter_choices(runtime.store, runtime.known_classes).groups),
        silence=query_of(wanted, silence=None if wanted.silence else True),
        species=[
            (one, path, sparkline(one.days, bins), query_of(wanted, **{"class": path}), _rule(path, rules))
            for one, path in zip(found, paths, strict=True)
        ],
        others=[one for path, one in rules.items() if path not in paths],
        bins=len(bins),
        total=sum(one.detections for one in found),
        query=query_of(wanted),
        done=(done, left, kept),
    )


@router.post("/rule", dependencies=[needs(Permission.MANAGE)])
def decide(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    path: _Path,
    excluded: Annotated[bool, Form()] = False,
    threshold: Annotated[Threshold | None, Form()] = None,
    query: _Query = "",
) -> Response:
    """Exclude a class, or change its threshold."""
    wanted = ClassRuleRequest(path=path, excluded=excluded, threshold=threshold)
    class_management.set_rule(runtime.store, runtime.settings.home, visitor, wanted, now=runtime.now())
    return _back(request, query)


@router.post("/remove", dependencies=[needs(Permission.MANAGE)])
def remove(request: Request, visitor: CurrentVisitor, runtime: Runtime, path: _Path, query: _Query = "") -> Response:
    """Remove the detections of a class."""
    removed = class_management.remove_detections(runtime.store, visitor, path, now=runtime.now())
    done = f"{removed.removed:,} {'detection' if removed.removed == 1 else 'detections'} of {path.split(SEPARATOR)[-1]}"
    return _back(request, query, done=done, left=removed.left, kept=removed.kept)


def _groups(wanted: DetectionSearch, groups: Sequence[str]) -> list[tuple[str, str, bool]]:
    """Links to groups of animals: title, query, and whether it is the present one."""
    found = [(group.capitalize(), query_of(wanted, **{"class": group}), wanted.classes == (group,)) for group in groups]
    return [("All", query_of(wanted, **{"class": None}), not wanted.classes), *found] if found else []


def _counted(wanted: DetectionSearch) -> DetectionSearch:
    """The parts of a filter that the page heeds: links from it carry no others."""
    return DetectionSearch.model_validate(wanted.model_dump(by_alias=True, include={*CountFilter.model_fields}))


def _rules(runtime: ConsoleRuntime) -> tuple[dict[str, ClassRuleView], str | None]:
    """What was decided, by the paths of classes; and why that cannot be read."""
    try:
        rules = class_management.list_rules(runtime.settings.home)
    except ConfigError as error:
        return {}, str(error)
    return {SEPARATOR.join(one.path): one for one in rules}, None


def _rule(path: str, rules: dict[str, ClassRuleView]) -> ClassRuleView:
    """What was decided about a class. One is excluded with those above it."""
    labels = path.split(SEPARATOR)
    above = (rules.get(SEPARATOR.join(labels[: depth + 1])) for depth in range(len(labels)))
    own = rules.get(path)
    excluded = any(one is not None and one.excluded for one in above)
    return ClassRuleView(path=tuple(labels), excluded=excluded, threshold=None if own is None else own.threshold)


def _back(request: Request, query: str, **values: object) -> Response:
    """To the page with the filter that it had."""
    again = urlencode([*parse_qsl(query), *values.items()])
    return RedirectResponse(f"{local_path(request, '/species')}?{again}", 303)
