"""The sections of recordings with their loudest samples, by which one finds what to annotate."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import AwareDatetime, Field

from console.services.detections import midnight
from console.services.models import ConsoleModel
from console.services.sound_peaks import peak_cache, recording_peaks
from console.services.sound_places import channel_recordings
from console.services.turns import sound_turns
from tidzam.config import Settings
from tidzam.recorded_sound.peaks import PeakLine
from tidzam.recorded_sound.sections import SECTION_S, section_count
from tidzam.store.database import Store

_DIGITS: Final = 4


class SegmentDayView(ConsoleModel):
    """A day of which there are recordings."""

    day: date = Field(description="Day by the node's clock")
    segments: int = Field(description="Number of segments that begin on it")
    recorded_s: float = Field(description="How much was recorded, in seconds")


class SegmentView(ConsoleModel):
    """A part of a recording."""

    start: AwareDatetime = Field(description="Beginning, UTC")
    max_amp: float = Field(description="Largest absolute sample, 1.0 for full scale, to half a decibel")


class SegmentList(ConsoleModel):
    """The segments of a day."""

    segment_s: int = Field(description="Length of a segment in seconds; the last one of a recording may be shorter")
    items: tuple[SegmentView, ...] = Field(description="The segments, in the order of time")
    is_complete: bool = Field(description="False if recordings were not read yet: ask again, and more is known")


def segment_days(settings: Settings, store: Store, channel: str, zone: ZoneInfo) -> tuple[SegmentDayView, ...]:
    """The days of which a channel has recordings, in their order. Raises RequestError (`request`, `no_recording`)."""
    days = channel_recordings(settings, store, channel).days(zone)
    return tuple(
        SegmentDayView(day=one.day, segments=one.sections, recorded_s=round(one.recorded_s, 3)) for one in days
    )


def day_segments(
    settings: Settings,
    store: Store,
    channel: str,
    day: date,
    zone: ZoneInfo,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> SegmentList:
    """The segments of a channel that begin on a day. Raises RequestError (`request`, `no_recording`).

    The peaks of most recordings are in the store. Others are read, for a limited time.
    """
    recordings = channel_recordings(settings, store, channel)
    start, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    found, is_complete = dict[datetime, float](), True
    known = recordings.sections(start, end)
    for one in known:
        found |= _sections(one.start, one.peaks)
    cache, until_s = peak_cache(settings), clock() + settings.console.sound.read_s
    turns = sound_turns(settings.console.sound.at_a_time)
    for file in recordings.files(start, end, but={one.path for one in known}):
        peaks = recording_peaks(cache, file, turns=turns if clock() < until_s else None)
        if peaks is None:
            is_complete = False
            continue
        line = PeakLine(section_count(file.duration_s) * SECTION_S, section_count(file.duration_s))
        peaks.draw(line, recordings.number, 0.0)
        amplitudes = np.fmax(-line.low, line.high)
        found |= _sections(file.start, amplitudes[~np.isnan(amplitudes)].tolist())
    items = ((begun, peak) for begun, peak in sorted(found.items()) if start <= begun < end)
    return SegmentList(
        segment_s=SECTION_S,
        items=tuple(SegmentView(start=begun, max_amp=round(peak, _DIGITS)) for begun, peak in items),
        is_complete=is_complete,
    )


def _sections(start: datetime, peaks: Sequence[float]) -> dict[datetime, float]:
    return {start + timedelta(seconds=number * SECTION_S): peak for number, peak in enumerate(peaks)}
