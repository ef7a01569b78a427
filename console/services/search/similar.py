"""Finding the recorded sounds that are most similar to an example."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from console.services.detections import LONGEST_DETECTION, midnight
from console.services.search.models import ExampleQuery, HeardThen, SearchAnswer, SearchIndexView, SimilarSound
from console.services.search.network import ExampleNetwork
from console.services.sound import SoundFile, channel_sound, detection_sound
from console.services.turns import Turns
from tidzam.bundle import BundleManifest, read_manifest
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.sound_index.base import base_folder, index_folder
from tidzam.sound_index.index import SoundIndex, SoundMatch, SoundPeriod
from tidzam.sound_index.status import index_status
from tidzam.sound_index.vectors import search_is_installed
from tidzam.store.database import Store
from tidzam.store.lookups import SEPARATOR
from tidzam.store.tables.annotations import AnnotationRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.models import ClassRow
from tidzam.store.tables.places import ChannelRow
from tidzam.types import Float32

LONGEST: Final = timedelta(seconds=60)
"""What lies behind so much of an example does not count."""
SEARCH_TURNS: Final = Turns(1)
"""The turns of those who compare many windows: each uses several processors."""
_MOST_DETECTIONS: Final = 5
_NO_SOUND: Final = ("no_recording", "still_recording")
"""Codes of errors that say that no recording holds a sound, or not yet."""


@dataclass(frozen=True)
class SearchedArchive:
    """The index of the node's base, open, and that base."""

    index: SoundIndex
    folder: Path
    manifest: BundleManifest


def open_archive(settings: Settings) -> SearchedArchive:
    """Raises RequestError (`search_empty`) if nothing is indexed, BundleError if the base is missing or damaged."""
    folder = base_folder(settings, settings.home)
    manifest = read_manifest(folder)
    try:
        index = SoundIndex.open(index_folder(settings.home, manifest.name))
    except sqlite3.Error:
        index = None
    if index is None or index.about.version != manifest.version:
        raise RequestError(
            "No recordings are indexed yet.",
            hint=_how_to_index(settings),
            code="search_empty",
        )
    return SearchedArchive(index, folder, manifest)


def _how_to_index(settings: Settings) -> str:
    if not search_is_installed():
        return "Install what indexes them with `bin/tidzam install search`, then restart the console."
    if not settings.search.enabled:
        return "`search.enabled` is off: `tidzam search index` indexes them."
    return "They are indexed in the background while the console runs; `tidzam search index` does it at once."


def index_view(settings: Settings) -> SearchIndexView:
    """What can be searched. Raises as `open_archive` does."""
    archive = open_archive(settings)
    found = index_status(archive.index)
    return SearchIndexView(**vars(found), window_s=archive.index.about.window_ms / 1000)


def example_of(store: Store, query: ExampleQuery) -> SoundPeriod:
    """The channel and time of an example. Raises RequestError (`not_found`)."""
    if query.start is not None and query.end is not None:
        start = query.start.astimezone(UTC)
        return SoundPeriod(query.channel, start, min(query.end.astimezone(UTC), start + LONGEST))
    name, number = ("detection", query.detection) if query.annotation is None else ("annotation", query.annotation)
    row = DetectionRow if query.annotation is None else AnnotationRow
    wanted = select(ChannelRow.name, row.start, row.end).join(ChannelRow, ChannelRow.id == row.channel_id)
    with store.read() as session:
        found = session.execute(wanted.where(row.id == number)).one_or_none()
    if found is None:
        raise RequestError(f"There is no such {name}.", hint="It may have been removed.", code="not_found")
    channel, start, end = found
    return SoundPeriod(channel, start, min(max(end, start + timedelta(milliseconds=1)), start + LONGEST))


def find_similar(
    settings: Settings, store: Store, network: ExampleNetwork, query: ExampleQuery, zone: ZoneInfo
) -> SearchAnswer:
    """The sounds that are most similar to an example, which is left out.

    Raises RequestError (`search_empty`, `not_found`, `no_recording`, `still_recording`, `busy`), BundleError and
    SetupError.
    """
    archive, example = open_archive(settings), example_of(store, query)
    queries = _queries(settings, store, network, archive, example, query.detection)
    with SEARCH_TURNS.one():
        found = archive.index.search(
            queries,
            count=query.limit,
            channels=query.only_channel,
            since=None if query.first_day is None else midnight(query.first_day, zone),
            until=None if query.last_day is None else midnight(query.last_day + timedelta(days=1), zone),
            without=example,
        )
    assert example.channel is not None
    assert example.start is not None
    assert example.end is not None
    with store.read() as session:
        results = tuple(_result(session, one) for one in found)
    return SearchAnswer(channel=example.channel, start=example.start, end=example.end, results=results)


def _queries(
    settings: Settings,
    store: Store,
    network: ExampleNetwork,
    archive: SearchedArchive,
    example: SoundPeriod,
    detection: int | None,
) -> Float32:
    """The embeddings of an example: of its recording, its clip, or what the index holds of it.

    Raises RequestError (`no_recording`, `still_recording`), BundleError and SetupError.
    """
    try:
        sound, begin_s, end_s = _sound(settings, store, archive, example, detection)
    except RequestError as error:
        rows = archive.index.rows_between(example)
        if error.code not in _NO_SOUND or not len(rows):
            raise
        return archive.index.embeddings(rows)
    return network.embed(archive.folder, archive.manifest, settings.home, sound.path, start_s=begin_s, end_s=end_s)


def _sound(
    settings: Settings, store: Store, archive: SearchedArchive, example: SoundPeriod, detection: int | None
) -> tuple[SoundFile, float, float]:
    """The sound of an example, with as much around it as a window needs, and the seconds in it that count."""
    assert example.channel is not None
    assert example.start is not None
    assert example.end is not None
    length_s = (example.end - example.start).total_seconds()
    margin_s = max(0.0, archive.index.about.window_ms / 1000 - length_s) / 2
    try:
        begin = example.start - timedelta(seconds=margin_s)
        sound = channel_sound(settings, store, example.channel, begin, length_s + 2 * margin_s, "flac")
        return sound, 0.0, length_s + 2 * margin_s
    except RequestError as error:
        if detection is None or error.code not in _NO_SOUND:
            raise
    sound = detection_sound(settings, store, detection, "flac", margin_s=margin_s)
    begin_s = max(0.0, (example.start - sound.start).total_seconds())
    return sound, begin_s, begin_s + length_s


def _result(session: Session, match: SoundMatch) -> SimilarSound:
    window = match.window
    return SimilarSound(
        channel=window.channel,
        start=window.start,
        end=window.end,
        similarity=round(match.similarity, 4),
        detections=tuple(heard_between(session, window.channel, window.start, window.end)),
    )


def heard_between(session: Session, channel: str, start: datetime, end: datetime) -> Sequence[HeardThen]:
    """What was detected on a channel in a period, the likeliest first."""
    row = DetectionRow
    channels = select(ChannelRow.id).where(ChannelRow.name == channel).scalar_subquery()
    query = (
        select(row.id, ClassRow.path, row.peak_probability)
        .join(ClassRow, ClassRow.id == row.class_id)
        .where(row.channel_id.in_(channels), row.start < end, row.start > start - LONGEST_DETECTION, row.end > start)
        .order_by(row.peak_probability.desc())
        .limit(_MOST_DETECTIONS)
    )
    return [
        HeardThen(id=number, path=tuple(path.split(SEPARATOR)), peak_probability=round(peak, PROBABILITY_DIGITS))
        for number, path, peak in session.execute(query)
    ]
