"""Annotations as sections of the files in which they were recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Final

from console.services.channel_recordings import ChannelRecordings
from console.services.sound_places import channel_recordings, is_of_this_node
from tidzam.config import Settings
from tidzam.errors import RequestError
from tidzam.store.database import Store
from tidzam.store.queries.annotations import AnnotationCriteria, StoredAnnotation, annotations_after
from tidzam.store.queries.cursor import TimeCursor

_BATCH: Final = 1000


@dataclass(frozen=True, kw_only=True)
class AnnotatedSection:
    """A part of a recording that has an annotation: seconds from the beginning of its file.

    `channel` counts from 0. An annotation that goes on in the next file has several.
    """

    path: Path
    start_s: float
    end_s: float
    tag: str
    channel: int
    annotation: StoredAnnotation


def annotated_sections(
    store: Store, settings: Settings, criteria: AnnotationCriteria | None = None
) -> Iterator[AnnotatedSection]:
    """The sections of the annotations that are wanted, all of this node by default, in the order of time.

    What was not recorded, or whose recording is gone, is left out. Raises StoreError.
    """

    @cache
    def recordings_of(channel: str) -> ChannelRecordings | None:
        try:
            return channel_recordings(settings, store, channel)
        except RequestError:  # the source was never recorded
            return None

    for stored in annotations_in_order(store, criteria or AnnotationCriteria()):
        recordings = recordings_of(stored.channel) if is_of_this_node(settings, stored.node) else None
        if recordings is not None:
            yield from _sections(recordings, stored)


def annotations_in_order(store: Store, criteria: AnnotationCriteria) -> Iterator[StoredAnnotation]:
    """All annotations that are wanted, the first first; the database is free in between. Raises StoreError."""
    after: TimeCursor | None = None
    while True:
        with store.read() as session:
            page = annotations_after(session, criteria, limit=_BATCH, after=after)
        yield from page.annotations
        after = page.next
        if after is None:
            return


def _sections(recordings: ChannelRecordings, stored: StoredAnnotation) -> Iterator[AnnotatedSection]:
    plan = recordings.plan(stored.start, _seconds(stored.start, stored.end))
    for piece in () if plan is None else plan.pieces:
        assert plan is not None
        yield AnnotatedSection(
            path=piece.file.path,
            start_s=piece.first_frame / plan.rate_hz,
            end_s=(piece.first_frame + piece.frames) / plan.rate_hz,
            tag=stored.tag,
            channel=recordings.number,
            annotation=stored,
        )


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()
