"""The sound of channels and detections, cut from recordings and kept for a while."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import select

from console.services.channel_recordings import ChannelRecordings
from console.services.forwarding.places import forwarded_clip
from console.services.sound_places import channel_recordings, clip_file, is_of_this_node
from console.services.turns import sound_turns
from console.services.unfinished_sound import require_read
from tidzam.audio.files import read_audio
from tidzam.config import Settings
from tidzam.errors import RequestError, TidzamError
from tidzam.naming import parse_clip_name
from tidzam.paths import cache_folder
from tidzam.recorded_sound.cache import FileCache
from tidzam.recorded_sound.plan import SoundGap, SoundPlan
from tidzam.recorded_sound.read import MEDIA_TYPES, SoundFormat, bits_of, read_sound, suffix_of, write_sound
from tidzam.store.database import Store
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow

FOLDER: Final = "sound"
MARGIN_S: Final = 2.0
"""Seconds before and after a detection that are cut with it."""
_BYTES_PER_GB: Final = 1_000_000_000


@dataclass(frozen=True)
class SoundFile:
    """A sound as a file: when it begins, and what is missing from it, which is silent."""

    path: Path
    media_type: str
    start: datetime
    gaps: tuple[SoundGap, ...]


def channel_sound(
    settings: Settings, store: Store, channel: str, start: datetime, duration_s: float, sound_format: SoundFormat
) -> SoundFile:
    """The sound of a channel from `start` on.

    Raises RequestError (`request`, `no_recording`) if it is too long, or nothing of it was recorded; and
    StillRecordingError.
    """
    start, longest_s = start.astimezone(UTC), settings.console.sound.longest_s
    if not 0 < duration_s <= longest_s:
        message = f"duration_s: {duration_s:g} s is not possible, expected up to {longest_s:g} s."
        raise RequestError(message, hint="Ask for parts, or for peaks.", code="request", field="duration_s")
    recordings = channel_recordings(settings, store, channel)
    plan = _plan(recordings, start, duration_s)
    if plan is None:
        raise _no_recording(channel, start)
    key = _key(repr(plan), recordings.number)
    cache = sound_cache(settings)

    def make(fresh: Path) -> None:
        gaps = _write(fresh, plan, recordings.number, sound_format)
        text = json.dumps([(gap.start_s, gap.duration_s) for gap in gaps])
        cache.folder.joinpath(f"{key}.json").write_text(text, encoding="ascii")

    path = _made(settings, f"{key}.{suffix_of(sound_format)}", make)
    return SoundFile(path, MEDIA_TYPES[sound_format], start, _gaps(cache, key, plan))


def cut_sound(settings: Settings, store: Store, channel: str, start: datetime, duration_s: float, path: Path) -> None:
    """Write the sound of a channel from `start` on to a FLAC file of the caller.

    Raises RequestError (`no_recording`), StillRecordingError, BusyError and OSError.
    """
    recordings = channel_recordings(settings, store, channel)
    plan = _plan(recordings, start.astimezone(UTC), min(duration_s, settings.console.sound.longest_s))
    if plan is None:
        raise _no_recording(channel, start)
    with sound_turns(settings.console.sound.at_a_time).one():
        _write(path, plan, recordings.number, "flac")


def _write(path: Path, plan: SoundPlan, number: int, sound_format: SoundFormat) -> tuple[SoundGap, ...]:
    """Write the sound of a plan, and return what is missing. Raises StillRecordingError and OSError."""
    samples, gaps = read_sound(plan, number)
    require_read(plan, gaps)
    write_sound(path, samples, plan.rate_hz, sound_format, bits=bits_of(plan, samples))
    return gaps


def detection_sound(
    settings: Settings, store: Store, detection_id: int, sound_format: SoundFormat, *, margin_s: float
) -> SoundFile:
    """The clip of a detection, or else its sound in the recordings with `margin_s` before and after it.

    Raises RequestError (`not_found`, `no_recording`), and StillRecordingError.
    """
    query = select(DetectionRow.start, DetectionRow.end, DetectionRow.clip, ChannelRow.name, NodeRow.name)
    query = query.join(ChannelRow, ChannelRow.id == DetectionRow.channel_id)
    query = query.join(SourceRow, SourceRow.id == ChannelRow.source_id).join(NodeRow, NodeRow.id == SourceRow.node_id)
    with store.read() as session:
        found = session.execute(query.where(DetectionRow.id == detection_id)).one_or_none()
    if found is None:
        raise RequestError("There is no such detection.", hint="It may have been removed.", code="not_found")
    start, end, clip, channel, node = found
    path = clip_file(settings, clip) if clip else None
    if not is_of_this_node(settings, node):
        path = forwarded_clip(settings, clip or "")
        if path is None:
            message = f"The node {node} heard it, and its sound is there."
            raise RequestError(message, hint="See the console of that node.", code="no_recording")
    if path is not None:
        return _clip_sound(settings, path, start, sound_format)
    duration_s = min((end - start).total_seconds() + 2 * margin_s, settings.console.sound.longest_s)
    return channel_sound(settings, store, channel, start - timedelta(seconds=margin_s), duration_s, sound_format)


def _plan(recordings: ChannelRecordings, start: datetime, duration_s: float) -> SoundPlan | None:
    """The sound of a period, also of files that are not complete. Raises StillRecordingError if more is there soon."""
    unfinished = recordings.unfinished
    if unfinished is None:
        return recordings.plan(start, duration_s)
    end, now = start + timedelta(seconds=duration_s), datetime.now(UTC)
    plan = recordings.plan(start, duration_s, also=unfinished.files(start, end, now))
    unfinished.require_recorded(plan, start, end, now)
    return plan


def _clip_sound(settings: Settings, path: Path, start: datetime, sound_format: SoundFormat) -> SoundFile:
    """A clip; in its own file if that has the format."""
    name = parse_clip_name(path)
    begins = name.time if name is not None else start
    media_type = MEDIA_TYPES[sound_format]
    if path.suffix.lower() in (f".{sound_format}", f".{suffix_of(sound_format)}"):
        return SoundFile(path, media_type, begins, ())

    def make(fresh: Path) -> None:
        samples, rate_hz = read_audio(path)
        write_sound(fresh, samples.mean(axis=0), rate_hz, sound_format)

    key = _key(f"{path} {path.stat().st_mtime_ns}", 0)
    made = _made(settings, f"{key}.{suffix_of(sound_format)}", make)
    return SoundFile(made, media_type, begins, ())


def made_sound(settings: Settings, key: str, sound_format: SoundFormat, make: Callable[[Path], None]) -> Path:
    """The file of a sound that `make` writes, unless it is known by its `key`. Raises TidzamError (`output`)."""
    return _made(settings, f"{key}.{suffix_of(sound_format)}", make)


def sound_cache(settings: Settings) -> FileCache:
    """The sounds that were cut."""
    return FileCache(cache_folder(settings.home) / FOLDER, round(settings.console.sound.cache_gb * _BYTES_PER_GB))


def _made(settings: Settings, name: str, make: Callable[[Path], None]) -> Path:
    """Raises TidzamError (`output`) if the disk is full, and BusyError if too many sounds are made."""
    cache = sound_cache(settings)

    def make_in_turn(fresh: Path) -> None:
        with sound_turns(settings.console.sound.at_a_time).one():
            make(fresh)

    try:
        return cache.get(name, make_in_turn)
    except OSError as error:
        message = f"The sound cannot be written to {cache.folder}: {error.strerror or error}."
        raise TidzamError(message, hint="Free some room on the disk.", code="output") from None


def _gaps(cache: FileCache, key: str, plan: SoundPlan) -> tuple[SoundGap, ...]:
    """What was missing when the sound was read; by the plan if that was forgotten."""
    try:
        found = json.loads((cache.folder / f"{key}.json").read_bytes())
        return tuple(SoundGap(start_s, duration_s) for start_s, duration_s in found)
    except (OSError, ValueError):
        return plan.gaps


def _key(text: str, number: int) -> str:
    return hashlib.sha256(f"{number} {text}".encode(errors="surrogateescape")).hexdigest()[:32]


def _no_recording(channel: str, start: datetime) -> RequestError:
    message = f"Nothing of {channel} was recorded at {start:%Y-%m-%d %H:%M:%S} UTC."
    return RequestError(message, hint="Choose another time.", code="no_recording", field="start")
