"""REST: what was heard of the channels, and their gaps."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from console.services.sources.heard import MOST_DAYS, GapDay, HeardReport
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(tags=["Sources"], dependencies=[needs(Permission.VIEW)])

OfSource = Annotated[str | None, Query(max_length=59, description="Name of a source; all by default")]


@router.get("/heard")
def read_heard(
    runtime: Runtime,
    days: Annotated[int, Query(ge=1, le=MOST_DAYS, description="Number of days, up to today")] = 14,
    source: OfSource = None,
) -> HeardReport:
    """How long each channel was heard per day, and why the rest is missing."""
    return runtime.heard.report(now=runtime.now(), days=days, source=source)


@router.get("/gaps")
def read_gaps(
    runtime: Runtime,
    day: Annotated[date, Query(ge=date(2000, 1, 1), le=date(2200, 1, 1), description="Day by the node's clock")],
    source: OfSource = None,
) -> GapDay:
    """The gaps of a day: when nothing could be heard, and why."""
    return runtime.heard.gaps(day, now=runtime.now(), source=source)
