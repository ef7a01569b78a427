"""REST: the segments of recordings with their loudest samples."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from console.services.annotations import segments
from console.services.annotations.segments import SegmentDayView, SegmentList
from console.services.detection_models import Day
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/segments", dependencies=[needs(Permission.VIEW)])

_Channel = Annotated[str, Query(max_length=100, description="JACK port, such as `pond:out_0`")]


@router.get("/days")
def list_segment_days(runtime: Runtime, channel: _Channel) -> tuple[SegmentDayView, ...]:
    """The days of which a channel has recordings that the store lists, with the number of segments."""
    return segments.segment_days(runtime.settings, runtime.store, channel, runtime.time_zone)


@router.get("")
def list_segments(
    runtime: Runtime,
    channel: _Channel,
    day: Annotated[Day, Query(description="Day by the node's clock, such as 2026-05-01")],
) -> SegmentList:
    """The segments of a channel that begin on a day, with their loudest samples."""
    return segments.day_segments(runtime.settings, runtime.store, channel, day, runtime.time_zone)
