"""REST: the classes that were heard, and decisions about them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services import class_management
from console.services.class_management import ClassRemovalRequest, ClassRemovalView, ClassRuleRequest, ClassRuleView
from console.services.detection_charts import HeardClassView, heard
from console.services.detection_models import CountFilter
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/classes", tags=["Detections"])
_VIEW, _MANAGE = needs(Permission.VIEW), needs(Permission.MANAGE)


@router.get("", dependencies=[_VIEW])
def list_heard_classes(runtime: Runtime, query: Annotated[CountFilter, Query()]) -> tuple[HeardClassView, ...]:
    """The classes that were heard, the most frequent first, with counts and verdicts."""
    return heard(runtime.store, query, runtime.time_zone, runtime.known_classes)


@router.get("/rules", dependencies=[_VIEW])
def list_class_rules(runtime: Runtime) -> tuple[ClassRuleView, ...]:
    """The classes that were excluded, or whose threshold was changed, in the console."""
    return class_management.list_rules(runtime.settings.home)


@router.put("/rules", dependencies=[_MANAGE])
def decide_about_class(request: ClassRuleRequest, visitor: CurrentVisitor, runtime: Runtime) -> ClassRuleView:
    """Exclude a class, or change its threshold; without both, what was decided is forgotten.

    The analyzer of the node follows within seconds, and after every start.
    """
    return class_management.set_rule(runtime.store, runtime.settings.home, visitor, request, now=runtime.now())


@router.post("/remove", dependencies=[_MANAGE])
def remove_class_detections(
    request: ClassRemovalRequest, visitor: CurrentVisitor, runtime: Runtime
) -> ClassRemovalView:
    """Remove the detections of a class, the oldest first, at most 20,000: repeat it while some are left.

    Those that are starred or judged stay. The counts of charts follow.
    """
    return class_management.remove_detections(runtime.store, visitor, request.path, now=runtime.now())
