"""REST: the sound of channels and detections, and how loud it is over long periods."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime
from starlette.responses import FileResponse

from console.api import segments
from console.services.sound import MARGIN_S, SoundFile, channel_sound, detection_sound
from console.services.sound_peaks import PeaksView, channel_peaks
from console.web.permissions import Runtime, needs
from tidzam.accounts.roles import Permission
from tidzam.errors import RequestError
from tidzam.recorded_sound.read import SoundFormat

router = APIRouter(tags=["Sound"], dependencies=[needs(Permission.VIEW)])
router.include_router(segments.router)

START_HEADER = "X-Sound-Start"
GAPS_HEADER = "X-Sound-Gaps"
_MOST_GAPS = 100

Channel = Annotated[str, Query(max_length=100, description="JACK port, such as `pond:out_0`")]
Start = Annotated[AwareDatetime, Query(description="Beginning, in ISO 8601 with a time zone")]
Format = Annotated[SoundFormat, Query(alias="format", description="FLAC, WAV, or Opus, which is lossy")]
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The sound", "content": {"audio/flac": {}, "audio/wav": {}, "audio/ogg": {}}}
}


@router.get("/sound", response_class=FileResponse, responses=_FILE)
def read_sound(
    runtime: Runtime,
    channel: Channel,
    start: Start,
    duration_s: Annotated[float, Query(gt=0, le=7200, description="Length in seconds")] = 15.0,
    sound_format: Format = "flac",
) -> FileResponse:
    """The sound of a channel, stitched from its recordings; what was not recorded is silent.

    The header `X-Sound-Gaps` lists that as START+LENGTH in seconds from the beginning, at most 100 of them.
    """
    _require_possible(start)
    return _response(channel_sound(runtime.settings, runtime.store, channel, start, duration_s, sound_format))


@router.get("/sound/peaks")
def read_peaks(
    runtime: Runtime,
    channel: Channel,
    start: Start,
    duration_s: Annotated[float, Query(gt=0, le=31 * 86400, description="Length in seconds, up to 31 days")],
    pixels: Annotated[int, Query(ge=1, le=4000, description="Number of pairs")] = 1000,
) -> PeaksView:
    """The smallest and largest samples of a channel, as a waveform shows them, and what was recorded.

    Of segments, the peak of the loudest channel is shown.
    """
    _require_possible(start)
    return channel_peaks(runtime.settings, runtime.store, channel, start, duration_s, pixels)


@router.get("/detections/{detection_id}/sound", response_class=FileResponse, responses=_FILE)
def read_detection_sound(
    runtime: Runtime,
    detection_id: Annotated[int, Path(ge=0, lt=1 << 62, description="Id of the detection")],
    margin_s: Annotated[
        float, Query(ge=0, le=60, description="Seconds before and after it, if it has no clip")
    ] = MARGIN_S,
    sound_format: Format = "flac",
) -> FileResponse:
    """The clip of a detection, or what was recorded of it. The header `X-Sound-Start` states when it begins."""
    found = detection_sound(runtime.settings, runtime.store, detection_id, sound_format, margin_s=margin_s)
    return _response(found)


def _response(sound: SoundFile) -> FileResponse:
    gaps = ",".join(f"{gap.start_s:.6g}+{gap.duration_s:.6g}" for gap in sound.gaps[:_MOST_GAPS])
    keep = "private, max-age=300" if not gaps else "no-cache"  # what is missing may not be complete yet
    headers = {START_HEADER: sound.start.isoformat(), GAPS_HEADER: gaps, "Cache-Control": keep}
    return FileResponse(sound.path, media_type=sound.media_type, headers=headers)


def _require_possible(start: AwareDatetime) -> None:
    """Raises RequestError for times at the ends of the calendar, with which cannot be reckoned."""
    if not 1970 <= start.year < 2200 or not math.isfinite(start.timestamp()):
        raise RequestError("start: expected a year from 1970 to 2199.", code="request", field="start")
