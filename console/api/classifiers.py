"""REST: the classifiers that run live and as a shadow."""

from __future__ import annotations

from fastapi import APIRouter, Response

from console.services.library.classifiers import CascadeChange, RollBack, classifiers_view
from console.services.library.models import ClassifiersView
from console.web.classifier_changes import refreshed, running_classifiers
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission
from tidzam.protocol.classifiers import ReloadAnswer
from tidzam.protocol.shadow import ShadowStatus

router = APIRouter(prefix="/classifiers", tags=["Models"])

_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)


@router.get("", dependencies=[_VIEW])
def read_classifiers(runtime: Runtime) -> ClassifiersView:
    """What runs live and as a shadow, and how the two differ, at most a few seconds old."""
    return classifiers_view(runtime.settings, runtime.monitor.analysis)


@router.put("/shadow", dependencies=[_MANAGE])
def start_shadow(runtime: Runtime, visitor: CurrentVisitor, change: CascadeChange) -> ShadowStatus:
    """Compare other classifiers with the live ones, in place of an earlier shadow. Loading them takes a while."""
    with refreshed(runtime):
        return running_classifiers(runtime, visitor).start_shadow(change)


@router.delete("/shadow", dependencies=[_MANAGE], status_code=204)
def end_shadow(runtime: Runtime, visitor: CurrentVisitor) -> Response:
    """End the comparison."""
    with refreshed(runtime):
        running_classifiers(runtime, visitor).end_shadow()
    return Response(status_code=204)


@router.post("/promote", dependencies=[_MANAGE])
def promote(runtime: Runtime, visitor: CurrentVisitor, change: CascadeChange | None = None) -> ReloadAnswer:
    """Let the shadow take over from the live classifiers; with a body, the classifiers that it describes."""
    with refreshed(runtime):
        return running_classifiers(runtime, visitor).promote(change)


@router.post("/roll-back", dependencies=[_MANAGE])
def roll_back(runtime: Runtime, visitor: CurrentVisitor, back: RollBack | None = None) -> ReloadAnswer:
    """Return to the classifiers that ran before the last promotion, or before several."""
    with refreshed(runtime):
        return running_classifiers(runtime, visitor).roll_back((back or RollBack()).promotions)
