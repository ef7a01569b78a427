"""REST: when in the day and in the year classes occur."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services import activity
from console.services.activity import ActivityQuery, ActivityView, PriorView
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/activity", tags=["Detections"])


@router.get("", dependencies=[needs(Permission.VIEW)])
def read_activity(runtime: Runtime, query: Annotated[ActivityQuery, Query()]) -> ActivityView:
    """The rate of each class over the day and over the year, per hour listened."""
    return activity.activity(runtime.store, query, runtime.time_zone, ledger=runtime.ledger, now=runtime.now())


@router.get("/prior", dependencies=[needs(Permission.VIEW)])
def read_prior(runtime: Runtime) -> PriorView:
    """The time models that the analyzer uses as a prior, if the profile lets it."""
    return activity.prior(runtime.settings)


@router.post("/prior", dependencies=[needs(Permission.MANAGE)])
def make_prior(visitor: CurrentVisitor, runtime: Runtime, query: Annotated[ActivityQuery, Query()]) -> PriorView:
    """Make these time models again, from what was heard on these days."""
    store, settings, zone = runtime.store, runtime.settings, runtime.time_zone
    return activity.fit_prior(store, settings, visitor, query, zone, ledger=runtime.ledger, now=runtime.now())
