"""The peaks of a channel over any period: each recording is read once, as long as its peaks are kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Final

from pydantic import AwareDatetime, Field

from console.services.models import ConsoleModel
from console.services.sound_places import channel_recordings
from console.services.turns import BusyError, Turns, sound_turns
from tidzam.audio.files import open_audio
from tidzam.config import Settings
from tidzam.errors import AudioError, RequestError, TidzamError
from tidzam.paths import cache_folder
from tidzam.recorded_sound.cache import FileCache
from tidzam.recorded_sound.peaks import NO_PEAKS, PeakLine, PeakPyramid
from tidzam.recorded_sound.plan import TimedRecording
from tidzam.store.database import Store
from tidzam.types import Float32

FOLDER: Final = "peaks"
MOST_DAYS: Final = 31.0
_BYTES_PER_GB: Final = 1_000_000_000
_PATIENCE_S: Final = 1.0


class PeriodView(ConsoleModel):
    """A part of a period."""

    start_s: float = Field(description="Seconds from the beginning of the whole")
    duration_s: float = Field(description="Length in seconds")


class PeaksView(ConsoleModel):
    """The smallest and largest samples of a channel, one pair per pixel; null where nothing was recorded."""

    channel: str = Field(description="JACK port")
    start: AwareDatetime = Field(description="Beginning, UTC")
    duration_s: float = Field(description="Length in seconds")
    low: tuple[float | None, ...] = Field(description="Smallest sample of each pixel, -1 to 1")
    high: tuple[float | None, ...] = Field(description="Largest sample of each pixel, -1 to 1")
    recorded: tuple[PeriodView, ...] = Field(description="What was recorded, in the order of time")
    is_complete: bool = Field(description="False if recordings were not read yet: ask again, and more is known")


def channel_peaks(
    settings: Settings,
    store: Store,
    channel: str,
    start: datetime,
    duration_s: float,
    pixels: int,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> PeaksView:
    """The peaks of a channel from `start` on. Raises RequestError.

    It reads recordings for a limited time. Segments are many and short: theirs are those that the store knows.
    """
    start = start.astimezone(UTC)
    if not 0 < duration_s <= MOST_DAYS * 86400:
        message = f"duration_s: {duration_s:g} s is not possible, expected up to {MOST_DAYS:g} days."
        raise RequestError(message, hint="Ask for parts.", code="request", field="duration_s")
    recordings = channel_recordings(settings, store, channel)
    line, recorded, is_complete = PeakLine(duration_s, pixels), list[PeriodView](), True
    cache, until_s = peak_cache(settings), clock() + settings.console.sound.read_s
    turns = sound_turns(settings.console.sound.at_a_time)
    end = start + timedelta(seconds=duration_s)
    segments = recordings.segments(start, end)
    for segment in segments:
        at_s, end_s = (segment.start - start).total_seconds(), (segment.end - start).total_seconds()
        recorded.append(_period(at_s, end_s - at_s, duration_s))
        line.take_level(at_s, end_s, segment.max_amp)
    for file in recordings.files(start, end, but={segment.path for segment in segments}):
        at_s = (file.start - start).total_seconds()
        recorded.append(_period(at_s, file.duration_s, duration_s))
        pyramid = recording_peaks(cache, file, turns=turns if clock() < until_s else None)
        if pyramid is None:
            is_complete = False
        else:
            pyramid.draw(line, recordings.number, at_s)
    return PeaksView(
        channel=channel,
        start=start,
        duration_s=duration_s,
        low=_values(line.low),
        high=_values(line.high),
        recorded=_merged(recorded, recordings.join_s),
        is_complete=is_complete,
    )


def peak_cache(settings: Settings) -> FileCache:
    """The peaks of recordings that were read."""
    return FileCache(cache_folder(settings.home) / FOLDER, round(settings.console.sound.cache_gb * _BYTES_PER_GB))


def recording_peaks(cache: FileCache, file: TimedRecording, *, turns: Turns | None) -> PeakPyramid | None:
    """The peaks of a recording, none of one that is gone. None if they are not known and cannot be found out now,
    without `turns` or because others read.

    Raises TidzamError (`output`) if they cannot be kept.
    """
    try:
        status = file.path.stat()
    except OSError:
        return NO_PEAKS
    text = f"{file.path} {status.st_size} {status.st_mtime_ns}"
    name = f"{hashlib.sha256(text.encode(errors='surrogateescape')).hexdigest()[:32]}.npz"
    try:
        path = cache.known(name) if turns is None else cache.get(name, lambda fresh: _read(file.path, fresh, turns))
        return None if path is None else PeakPyramid.load(path)
    except BusyError:
        return None
    except (OSError, ValueError) as error:
        message = f"The peaks cannot be kept in {cache.folder}: {error}."
        raise TidzamError(message, hint="Free some room on the disk.", code="output") from None


def _read(path: Path, fresh: Path, turns: Turns) -> None:
    """Find out the peaks of a recording, also of one that cannot be read, or only in part: it is not read again."""
    with turns.one(patience_s=_PATIENCE_S):
        try:
            with open_audio(path) as audio:
                peaks = PeakPyramid.of(_until_damaged(audio.blocks()), audio.rate_hz)
        except (AudioError, ValueError):
            peaks = NO_PEAKS
        peaks.save(fresh)


def _until_damaged(blocks: Iterable[Float32]) -> Iterator[Float32]:
    with suppress(AudioError):
        yield from blocks


def _period(at_s: float, length_s: float, duration_s: float) -> PeriodView:
    first, last = max(0.0, at_s), min(duration_s, at_s + length_s)
    return PeriodView(start_s=first, duration_s=last - first)


def _merged(periods: list[PeriodView], join_s: float) -> tuple[PeriodView, ...]:
    """Periods as one where they follow one another, in the order of time."""
    found: list[PeriodView] = []
    for period in sorted(periods, key=lambda one: one.start_s):
        if found and period.start_s - found[-1].start_s - found[-1].duration_s <= join_s:
            end_s = max(found[-1].start_s + found[-1].duration_s, period.start_s + period.duration_s)
            found[-1] = PeriodView(start_s=found[-1].start_s, duration_s=end_s - found[-1].start_s)
        else:
            found.append(period)
    return tuple(found)


def _values(line: Float32) -> tuple[float | None, ...]:
    values: list[float] = line.tolist()
    return tuple(None if isnan(value) else round(value, 4) for value in values)
