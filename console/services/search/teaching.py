"""The recorded sounds that a person should label next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, select, type_coerce
from sqlalchemy.orm import Session

from console.services.detections import midnight
from console.services.search.models import NextQuery, NextSound, NextSounds
from console.services.search.similar import SEARCH_TURNS, SearchedArchive, open_archive
from tidzam.bundle import installed_model, read_bundle
from tidzam.config import Settings
from tidzam.embeddings.network import read_recognizer_layer
from tidzam.errors import BundleError, RequestError
from tidzam.paths import models_folder
from tidzam.sound_index.catalog import IndexLayout
from tidzam.sound_index.index import IndexedWindow, SoundPeriod
from tidzam.sound_index.label_next import choose, directions, near_threshold, novelty, uncertainty
from tidzam.store.base import to_microseconds
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
class JudgedWindows:
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
) -> JudgedWindows:
    if query.recognizer is not None:
        return _by_recognizer(settings, archive, query.recognizer, values)
    with store.read() as session:
        return judged_by_detections(session, windows)


def _by_recognizer(settings: Settings, archive: SearchedArchive, name: str, values: Float32) -> JudgedWindows:
    """Raises RequestError (`request`) if there is no such recognizer, or it has another base than the index."""
    try:
        bundle = read_bundle(installed_model(models_folder(settings.home), name))
        layer = read_recognizer_layer(bundle)
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
    probabilities = layer.probabilities(values)
    thresholds = np.array([bundle.manifest.thresholds.get(tag, 0.5) for tag in bundle.manifest.classes])
    likeliest = probabilities.argmax(axis=1) if len(values) else []
    return JudgedWindows(
        uncertainty(probabilities, thresholds), [bundle.manifest.classes[int(one)] for one in likeliest]
    )


def judged_by_detections(session: Session, windows: Sequence[IndexedWindow]) -> JudgedWindows:
    """By the detection of each window that is nearest to the lowest probability at which its class was detected."""
    worth, names = np.zeros(len(windows), np.float32), [""] * len(windows)
    if not windows:
        return JudgedWindows(worth, names)
    length_us = to_microseconds(windows[0].end) - to_microseconds(windows[0].start)
    row, first, last = DetectionRow, min(one.start for one in windows), max(one.end for one in windows)
    start_us, end_us = (type_coerce(column, BigInteger) for column in (row.start, row.end))
    query = (
        select(ChannelRow.name, start_us, end_us, row.class_id, row.peak_probability)
        .join(ChannelRow, ChannelRow.id == row.channel_id)
        .where(row.start >= first, row.start < last)
        .order_by(row.start.desc())
        .limit(_DETECTIONS)
    )
    found = session.execute(query).all()
    near = near_threshold(np.array([one[4] for one in found]), np.array([one[3] for one in found], np.int64))
    heard, candidates = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for number, (channel, *_) in enumerate(found):
        heard[channel].append(number)
    for number, window in enumerate(windows):
        candidates[window.channel].append(number)
    for channel, numbers in heard.items():
        of_channel = np.array(candidates[channel], np.int64)
        begins_us = np.array([to_microseconds(windows[number].start) for number in of_channel], np.int64)
        order = np.argsort(begins_us, kind="stable")
        times_us = np.array([found[number][1:3] for number in numbers], np.int64)
        after = np.searchsorted(begins_us[order], times_us[:, 0] - length_us, side="right")
        before = np.searchsorted(begins_us[order], times_us[:, 1])
        for place in np.flatnonzero(after < before).tolist():
            overlapping = of_channel[order[after[place] : before[place]]]
            worth[overlapping] = np.maximum(worth[overlapping], near[numbers[place]])
    return JudgedWindows(worth, names)
