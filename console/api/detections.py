"""REST: detections, their counts, and verdicts on them."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, Field
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from console.services import detection_charts, detections, verdicts
from console.services.annotations import from_detection
from console.services.annotations.from_detection import DetectionAnnotationRequest
from console.services.annotations.models import AnnotationView, IsoTime
from console.services.detection_charts import DayClassCount, HourCountView
from console.services.detection_models import (
    DetectionDetail,
    DetectionList,
    DetectionSearch,
    DetectionView,
    FilterChoices,
    VerdictName,
)
from console.services.exports.ebird import EbirdFileView, ebird_file
from console.services.exports.export import ExportFormat, export
from console.services.models import ConsoleModel
from console.web.permissions import CurrentVisitor, Runtime, needs
from tidzam.accounts.roles import Permission

router = APIRouter(prefix="/detections", tags=["Detections"])

_MEDIA_TYPES = {one.media_type.partition(";")[0] for one in ExportFormat}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file", "content": {name: {} for name in sorted(_MEDIA_TYPES)}}
}
_VIEW, _ANNOTATE = needs(Permission.VIEW), needs(Permission.ANNOTATE)
DetectionNumber = Annotated[int, Field(ge=0, lt=1 << 62)]
Numbers = Annotated[
    tuple[DetectionNumber, ...], Field(min_length=1, max_length=500, description="Numbers of the detections")
]


class GeneratedFile(StreamingResponse):
    """A file that is sent while it is written. What writes it is closed also if the client goes away meanwhile."""

    def __init__(self, content: Iterator[bytes], **arguments: Any) -> None:
        super().__init__(content, **arguments)
        self._content = content

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            if isinstance(self._content, Generator):
                self._content.close()


class DetectionQuery(DetectionSearch):
    """A page of the detections that are wanted."""

    since: IsoTime | None = Field(None, alias="from", description="Only those that end after this, in ISO 8601")
    until: IsoTime | None = Field(None, alias="to", description="Only those that begin before this, in ISO 8601")
    before: Annotated[str, Field(max_length=50)] | None = Field(None, description="The `next` of the page before")
    limit: int = Field(50, ge=1, le=1000, description="Maximum number of detections")


class ExportQuery(DetectionSearch):
    """The detections of a file."""

    format: ExportFormat = Field(
        ExportFormat.CSV,
        description="`csv`, `parquet`, selections for `raven`, labels for `audacity`, those verified for `ebird`, or "
        "their sound as ZIP (`clips`): clips, or else what was recorded",
    )
    origin: AwareDatetime | None = Field(
        None,
        description="When the sound begins from which Raven and Audacity count seconds; null for the first day",
    )


class VerdictRequest(ConsoleModel):
    """A verdict on detections."""

    ids: Numbers
    verdict: VerdictName | None = Field(description="The verdict; null takes those of the user back")
    other_class: Annotated[str, Field(min_length=1, max_length=200)] | None = Field(
        None, description="What is heard instead, with the verdict `other_class`: a path with `/` between labels"
    )


class StarRequest(ConsoleModel):
    """Stars for detections."""

    ids: Numbers
    starred: bool = Field(description="Whether they are starred from now on")


@router.get("", dependencies=[_VIEW])
def list_detections(runtime: Runtime, query: Annotated[DetectionQuery, Query()]) -> DetectionList:
    """Detections, the newest first. If there are few among many others, a page may be short, and yet have a `next`."""
    return detections.list_detections(
        runtime.store,
        query,
        runtime.time_zone,
        runtime.known_classes,
        since=query.since,
        until=query.until,
        before=query.before,
        limit=query.limit,
    )


@router.get("/days", dependencies=[_VIEW])
def count_per_day(runtime: Runtime, query: Annotated[DetectionSearch, Query()]) -> tuple[DayClassCount, ...]:
    """Detections per day and class, without those judged wrong, unless `verdict` asks for these."""
    return detection_charts.day_counts(runtime.store, query, runtime.time_zone, runtime.known_classes)


@router.get("/hours", dependencies=[_VIEW])
def count_per_hour(runtime: Runtime, query: Annotated[DetectionSearch, Query()]) -> tuple[HourCountView, ...]:
    """Detections per hour, without those judged wrong, unless `verdict` asks for these."""
    return detection_charts.hour_counts(runtime.store, query, runtime.time_zone, runtime.known_classes)


@router.get("/choices", dependencies=[_VIEW])
def list_choices(runtime: Runtime) -> FilterChoices:
    """The classes, channels and models that filters can name."""
    return detections.filter_choices(runtime.store, runtime.known_classes)


@router.get("/export", dependencies=[_VIEW], response_class=StreamingResponse, responses=_FILE)
def export_detections(runtime: Runtime, query: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """All detections that are wanted as a file, newest first, sent while it is written."""
    content = export(runtime.store, runtime.settings, query, runtime.time_zone, query.format, origin=query.origin)
    name = f'attachment; filename="{query.format.file_name}"'
    return GeneratedFile(content, media_type=query.format.media_type, headers={"Content-Disposition": name})


@router.get("/ebird", dependencies=[_VIEW])
def describe_ebird_file(runtime: Runtime, query: Annotated[DetectionSearch, Query()]) -> EbirdFileView:
    """What the export for eBird holds, and the verified detections that it leaves out: not known to be birds."""
    return ebird_file(runtime.store, query, runtime.time_zone, runtime.known_classes)


@router.post("/verdicts", dependencies=[_ANNOTATE])
def judge_detections(request: VerdictRequest, visitor: CurrentVisitor, runtime: Runtime) -> tuple[DetectionView, ...]:
    """Judge detections, all or none of them. Returns them as they are now."""
    return verdicts.judge(
        runtime.store,
        visitor,
        request.ids,
        request.verdict,
        other_class=request.other_class,
        zone=runtime.time_zone,
        now=runtime.now(),
    )


@router.post("/stars", dependencies=[_ANNOTATE])
def star_detections(request: StarRequest, visitor: CurrentVisitor, runtime: Runtime) -> tuple[DetectionView, ...]:
    """Star detections, or take their stars away. Returns them as they are now."""
    return verdicts.set_star(
        runtime.store, visitor, request.ids, is_starred=request.starred, zone=runtime.time_zone, now=runtime.now()
    )


@router.post("/{id}/annotation", dependencies=[_ANNOTATE], status_code=201)
def annotate_detection(
    number: Annotated[DetectionNumber, Path(alias="id")],
    request: DetectionAnnotationRequest,
    visitor: CurrentVisitor,
    runtime: Runtime,
) -> AnnotationView:
    """Make an annotation of a detection, with its time and channel. If there is one already, it is returned."""
    return from_detection.annotate_detection(runtime.annotations, visitor, number, request)


@router.get("/{id}", dependencies=[_VIEW])
def read_detection(runtime: Runtime, number: Annotated[DetectionNumber, Path(alias="id")]) -> DetectionDetail:
    """A detection with all verdicts on it."""
    return detections.find_detection(runtime.store, number, runtime.time_zone)
