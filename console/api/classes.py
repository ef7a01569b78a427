"""REST: the classes that were heard."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services.detection_charts import HeardClassView, heard
from console.services.detection_models import CountFilter
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/classes", tags=["Detections"])


@router.get("", dependencies=[needs(Permission.VIEW)])
def list_heard_classes(runtime: Runtime, query: Annotated[CountFilter, Query()]) -> tuple[HeardClassView, ...]:
    """The classes that were heard, the most frequent first, with counts and verdicts."""
    return heard(runtime.store, query, runtime.time_zone)
