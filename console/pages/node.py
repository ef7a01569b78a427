"""The pages of the node: its state, and for managers its logs, its disk and its versions."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from console.services.node_files.disk import DiskReport, largest_first
from console.services.versions import versions
from console.web.errors import FRAGMENT_HEADER
from console.web.permissions import CurrentVisitor, Runtime, needs
from console.web.templates import render
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/node")

VIEW, MANAGE = [needs(Permission.VIEW)], [needs(Permission.MANAGE)]
_YEAR_DAYS = 365


@router.get("", dependencies=VIEW)
def show_node(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The state of the node."""
    return render(request, "node.html", visitor=visitor, view=runtime.monitor.view)


@router.get("/state", dependencies=VIEW)
def show_state(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The part of the page that it renews by itself."""
    return render(request, "node_state.html", visitor=visitor, view=runtime.monitor.view)


@router.get("/logs", dependencies=MANAGE)
def show_logs(
    request: Request,
    visitor: CurrentVisitor,
    runtime: Runtime,
    program: Annotated[str, Query(max_length=64)] = "",
    contains: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    """The newest lines of a log."""
    logs = runtime.logs.list_logs()
    chosen = program or next((log.name for log in logs if log.name == "stream_manager"), logs[0].name if logs else "")
    part = runtime.logs.read(chosen, contains=contains, limit=500) if chosen else None
    return render(request, "node_logs.html", visitor=visitor, logs=logs, chosen=chosen, part=part, contains=contains)


@router.get("/disk", dependencies=MANAGE)
def show_disk(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """What takes up the disk. The page loads the figures afterwards, as every file is looked at."""
    if FRAGMENT_HEADER not in request.headers:
        return render(request, "node_disk.html", visitor=visitor)
    report = runtime.disk.report()
    kinds = largest_first(report.kinds) if report else []
    words = full_words(report) if report else ""
    return render(request, "node_disk_use.html", visitor=visitor, report=report, kinds=kinds, words=words, size=size)


@router.get("/versions", dependencies=MANAGE)
def show_versions(request: Request, visitor: CurrentVisitor, runtime: Runtime) -> Response:
    """The versions of everything that the node consists of."""
    found = versions()
    classifiers = runtime.monitor.view.classifiers
    return render(request, "node_versions.html", visitor=visitor, versions=found, classifiers=classifiers)


def full_words(report: DiskReport) -> str:
    """When the disk is full, in words."""
    days = report.full_in_days
    if days is None:
        return "At the present rate, the disk is not full within ten years."
    if days >= 2 * _YEAR_DAYS:
        return f"At the present rate, the disk is full in {days / _YEAR_DAYS:.0f} years."
    unit = "day" if round(days) == 1 else "days"
    return f"At the present rate, the disk is full in {days:.0f} {unit}." if days >= 1 else "The disk is full today."


def size(count: float) -> str:
    """A number of bytes.

    >>> size(950), size(1_500_000), size(12_340_000_000)
    ('950 B', '1.5 MB', '12.3 GB')
    """
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} B"
