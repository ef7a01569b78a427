"""The recorded sounds that a person should label next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sqlalchemy import select
from sqlalchemy.orm import Session

from console.services.detections import midnight
from console.services.search.models import NextQuery, NextSound, NextSounds
from console.services.search.similar import SEARCH_TURNS, SearchedArchive, open_archive
from tidzam.bundle import installed_model, read_bundle
from tidzam.config import Settings
from tidzam.embeddings.classifier_weights import classifier_weights
from tidzam.errors import BundleError, RequestError
from tidzam.paths import models_folder
from tidzam.sound_index.catalog import IndexLayout
from tidzam.sound_index.index import IndexedWindow, SoundPeriod
from tidzam.sound_index.label_next import choose, directions, near_threshold, novelty, uncertainty
from tidzam.store.database import Store
from tidzam.store.tables.annotations import AnnotationRow
from tidzam.store.tables.detections import DetectionRow
from tidzam.store.tables.places import ChannelRow
from tidzam.types import Float32

CANDIDATES: Final = 5000
"""Windows that are considered, spread evenly over what is in the index."""
_LABELED: Final = 1000
"""Annotations, the newest ones, from which novelty is counted."""
_DETECTIONS: Final = 20_000


@dataclass(frozen=True)
class _Judged:
    """How uncertain each candidate is, float32 (n,), and by which tag or class; empty if it is not known."""

    worth: Float32
    names: Sequence[str]


def next_sounds(settings: Settings, store: Store, query: NextQuery, zone: ZoneInfo) -> NextSounds:
    """The sounds that would teach most, the best first.

    Raises RequestError (`search_empty`, `busy`; `request` if the recognizer is missing or of another base), BundleError
    if the base is, and SetupError.
    """
    with SEARCH_TURNS.one():
        return _next_sounds(settings, store, query, zone)


def _next_sounds(settings: Settings, store: Store, query: NextQuery, zone: ZoneInfo) -> NextSounds:
    archive = open_archive(settings)
    layout = archive.index.layout()
    since = None if query.first_day is None else midnight(query.first_day, zone)
    until = None if query.last_day is None else midnight(query.last_day + timedelta(days=1), zone)
    with store.read() as session:
        labeled = _labeled_rows(session, archive, layout)
    windows, rows = _candidates(archive, layout, query, since, until, labeled)
    values, known = archive.index.embeddings(rows), archive.index.embeddings(labeled[:_LABELED])
    judged = _judged(settings, store, archive, query, windows, values)
    center = values.mean(axis=0) if len(values) else np.zeros(archive.index.about.values, np.float32)
    candidates, examples = directions(values, center), directions(known, center)
    chosen = choose(candidates, examples, judged.worth, query.limit)
    novel = novelty(candidates[chosen], examples)
    found = [
        NextSound(
            channel=windows[number].channel,
            start=windows[number].start,
            end=windows[number].end,
            uncertainty=round(float(judged.worth[number]), 4),
            novelty=round(float(new), 4),
            likeliest=judged.names[number] or None,
        )
        for number, new in zip(chosen.tolist(), novel, strict=True)
    ]
    return NextSounds(items=tuple(found), considered=len(rows), labeled=len(labeled))


def _labeled_rows(session: Session, archive: SearchedArchive, layout: IndexLayout) -> NDArray[np.int64]:
    """The rows of windows that hold annotations, those of the newest first."""
    row = AnnotationRow
    query = select(ChannelRow.name, row.start, row.end).join(ChannelRow, ChannelRow.id == row.channel_id)
    found = session.execute(query.order_by(row.start.desc()).limit(_LABELED)).all()
    parts = [archive.index.rows_between(SoundPeriod(channel, start, end), layout) for channel, start, end in found]
    if not parts:
        return np.zeros(0, np.int64)
    rows = np.concatenate(parts)
    _, first = np.unique(rows, return_index=True)
    ordered: NDArray[np.int64] = rows[np.sort(first)]
    return ordered


def _candidates(
    archive: SearchedArchive,
    layout: IndexLayout,
    query: NextQuery,
    since: datetime | None,
    until: datetime | None,
    labeled: NDArray[np.int64],
) -> tuple[list[IndexedWindow], NDArray[np.int64]]:
    """Windows that nobody has annotated, and their rows."""
    channels = query.only_channel or (None,)
    periods = [SoundPeriod(channel, since, until) for channel in channels]
    rows = np.setdiff1d(np.concatenate([archive.index.rows_between(one, layout) for one in periods]), labeled)
    if len(rows) > CANDIDATES:
        rows = np.sort(np.random.default_rng(query.draw).choice(rows, CANDIDATES, replace=False))
    windows = archive.index.windows(rows, layout)
    found = [(one, int(row)) for one, row in zip(windows, rows, strict=True) if one is not None]
    return [one for one, _ in found], np.array([row for _, row in found], np.int64)


def _judged(
    settings: Settings,
    store: Store,
    archive: SearchedArchive,
    query: NextQuery,
    windows: Sequence[IndexedWindow],
    values: Float32,
) -> _Judged:
    if query.recognizer is not None:
        return _by_recognizer(settings, archive, query.recognizer, values)
    with store.read() as session:
        return _by_detections(session, windows)


def _by_recognizer(settings: Settings, archive: SearchedArchive, name: str, values: Float32) -> _Judged:
    """Raises RequestError (`request`) if there is no such recognizer, or it has another base than the index."""
    try:
        bundle = read_bundle(installed_model(models_folder(settings.home), name))
        weights, biases = classifier_weights(bundle)
    except BundleError as error:
        raise RequestError(error.message, hint=error.hint, code="request", field="recognizer") from None
    base = bundle.manifest.provenance.get("base", {})
    if base.get("version") != archive.manifest.version:
        raise RequestError(
            f"The recognizer {name} was trained on {base.get('name', 'another base')}; the index is by "
            f"{archive.manifest.name} {archive.manifest.version}.",
            hint="Set search.base to the base of the recognizer, or choose another recognizer.",
            code="request",
            field="recognizer",
        )
    probabilities = expit(values @ weights + biases)
    thresholds = np.array([bundle.manifest.thresholds.get(tag, 0.5) for tag in bundle.manifest.classes])
    likeliest = probabilities.argmax(axis=1) if len(values) else []
    return _Judged(uncertainty(probabilities, thresholds), [bundle.manifest.classes[int(one)] for one in likeliest])


def _by_detections(session: Session, windows: Sequence[IndexedWindow]) -> _Judged:
    """By the detection of each window that is nearest to the lowest probability at which its class was detected."""
    worth, names = np.zeros(len(windows), np.float32), [""] * len(windows)
    if not windows:
        return _Judged(worth, names)
    row = DetectionRow
    first, last = min(one.start for one in windows), max(one.end for one in windows)
    query = (
        select(ChannelRow.name, row.start, row.end, row.class_id, row.peak_probability)
        .join(ChannelRow, ChannelRow.id == row.channel_id)
        .where(row.start >= first, row.start < last)
        .order_by(row.start.desc())
        .limit(_DETECTIONS)
    )
    found = session.execute(query).all()
    near = near_threshold(np.array([one[4] for one in found]), np.array([one[3] for one in found], np.int64))
    by_channel: dict[str, list[int]] = {}
    for number in np.argsort([one.start.timestamp() for one in windows], kind="stable").tolist():
        by_channel.setdefault(windows[number].channel, []).append(number)
    starts = {name: [windows[one].start.timestamp() for one in numbers] for name, numbers in by_channel.items()}
    length_s = (windows[0].end - windows[0].start).total_seconds()
    for (channel, start, end, *_), value in zip(found, near, strict=True):
        times = starts.get(channel, [])
        begin = np.searchsorted(times, start.timestamp() - length_s, side="right")
        for place in range(int(begin), int(np.searchsorted(times, end.timestamp()))):
            number = by_channel[channel][place]
            worth[number] = max(worth[number], value)
    return _Judged(worth, names)
