"""What a store holds besides detections after five years: annotations, recordings, gaps, jobs and others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from benchmarks.store_rows import CHANNELS, END, SPAN, place_names
from tidzam.accounts.audit import AuditAction
from tidzam.annotations.rules import AnnotationContent
from tidzam.gaps.records import GapReason
from tidzam.jobs.states import JobState
from tidzam.recorded_sound.sections import section_count
from tidzam.store.annotations import NewAnnotation, add_annotations
from tidzam.store.base import Base
from tidzam.store.database import Store
from tidzam.store.lookups import NameTables
from tidzam.store.tables.accounts import AuditRow
from tidzam.store.tables.annotations import AnnotationOrigin
from tidzam.store.tables.detections import DetectionRow, DetectionVerdict
from tidzam.store.tables.jobs import JobRow
from tidzam.store.tables.recordings import GapRow, LoadedRow, RecordingRow
from tidzam.store.verification import mark, verify

TAGS: Final = 20
_ANNOTATIONS: Final = 50_000
_GAPS: Final = 100_000
_AUDIT: Final = 100_000
_JOBS: Final = 2_000
_JUDGED: Final = 20_000
_MARKED: Final = 5_000
_FILE: Final = timedelta(minutes=10)
_HOUR: Final = timedelta(hours=1)
_BATCH: Final = 5_000
_GROUP: Final = 500
Values = dict[str, Any]


def fill_other_tables(store: Store, *, share: float = 1.0) -> None:
    """Add to a store with detections what else is in it after five years, or a share of it."""
    draw, names = Random(1), NameTables()
    places = [place_names(channel) for channel in range(CHANNELS)]
    names.learn_channels(store, places)
    channels = [names.channel(*place) for place in places]
    sources = {source: names.source(node, source) for node, source, _ in places}
    node = names.node(places[0][0])
    with store.write() as session:
        _judge(session, draw, share)
        _annotate(session, draw, channels, round(_ANNOTATIONS * share))
        _add(session, RecordingRow, _recordings(sources, round(SPAN / _FILE * share)))
        _add(session, LoadedRow, _loaded(node, list(sources), round(SPAN / _HOUR * share)))
        _add(session, GapRow, _gaps(draw, node, [channel for _, _, channel in places], round(_GAPS * share)))
        _add(session, JobRow, _jobs(draw, node, round(_JOBS * share)))
        _add(session, AuditRow, _audit(draw, round(_AUDIT * share)))


def _add(session: Session, row: type[Base], values: Iterator[Values]) -> None:
    while batch := list(islice(values, _BATCH)):
        session.execute(insert(row), batch)


def _time(number: int, count: int, *, every: timedelta) -> datetime:
    """The time of one of `count` rows, a multiple of `every`."""
    return END - (count - number) * SPAN / count // every * every


def _judge(session: Session, draw: Random, share: float) -> None:
    last = session.scalar(select(func.max(DetectionRow.id))) or 1
    for number, verdict in enumerate(DetectionVerdict):
        chosen = [draw.randint(1, last) for _ in range(round(_JUDGED * share / (number + 1)))]
        for first in range(0, len(chosen), _GROUP):
            verify(session, chosen[first : first + _GROUP], verdict, user_id=None, now=END)
    mark(session, [draw.randint(1, last) for _ in range(round(_MARKED * share))], is_marked=True)


def _annotate(session: Session, draw: Random, channels: Sequence[int], count: int) -> None:
    """On days that somebody listened to, a tenth of all."""
    for first in range(0, count, _BATCH):
        day = END - timedelta(days=10 * draw.randrange(round(SPAN.days / 10)) + 1)
        new = []
        for _ in range(min(_BATCH, count - first)):
            if draw.random() < 0.01:
                day = END - timedelta(days=10 * draw.randrange(round(SPAN.days / 10)) + 1)
            start = day + timedelta(seconds=draw.uniform(0, 86_000))
            tag = f"tag-{draw.randrange(TAGS):02d}"
            content = AnnotationContent(start=start, end=start + timedelta(seconds=2), tag=tag)
            new.append(NewAnnotation(channel_id=draw.choice(channels), content=content))
        add_annotations(session, new, origin=AnnotationOrigin.MANUAL, user_id=None, zone=UTC, now=END)


def _recordings(sources: dict[str, int], count: int) -> Iterator[Values]:
    per_source = CHANNELS // len(sources)
    peaks = bytes([200]) * section_count(_FILE.total_seconds()) * per_source
    for number in range(count):
        start = _time(number, count, every=_FILE)
        for name, source in sources.items():
            yield {
                "source_id": source,
                "path": f"/var/lib/tidzam/recordings/{name}/{name}-{start:%Y-%m-%d-%H-%M-%S}.flac",
                "start": start,
                "end": start + _FILE,
                "channels": per_source,
                "bytes": 60_000_000,
                "max_amp": 0.5,
                "is_segment": False,
                "section_peaks": peaks,
            }


def _loaded(node: int, sources: Sequence[str], count: int) -> Iterator[Values]:
    for number in range(count):
        start = _time(number, count, every=_HOUR)
        for source in sources:
            channels = CHANNELS // len(sources)
            yield {"node_id": node, "source": source, "channels": channels, "start": start, "end": start + _HOUR}


def _gaps(draw: Random, node: int, channels: Sequence[str], count: int) -> Iterator[Values]:
    reasons = [GapReason.NETWORK, GapReason.XRUN, GapReason.SILENCE, GapReason.SOURCE_DOWN]
    for number in range(count):
        start = _time(number, count, every=timedelta(seconds=1))
        yield {
            "node_id": node,
            "channel": draw.choice(channels),
            "reason": draw.choice(reasons).value,
            "start": start,
            "end": start + timedelta(seconds=draw.expovariate(1 / 5)),
            "count": 1,
        }


def _jobs(draw: Random, node: int, count: int) -> Iterator[Values]:
    for number in range(count):
        created = _time(number, count, every=timedelta(seconds=1))
        yield {
            "node_id": node,
            "kind": draw.choice(["recognizer", "training"]),
            "title": f"recognizer {number}",
            "parameters": {"tags": [f"tag-{tag:02d}" for tag in range(5)], "days": {"2026-05-01": "train"}},
            "state": JobState.DONE.value,
            "progress": 1.0,
            "message": "",
            "result": {"bundle": f"recognizer-{number}", "average_precision": 0.9},
            "user_id": None,
            "created": created,
            "started": created,
            "ended": created + timedelta(minutes=1),
        }


def _audit(draw: Random, count: int) -> Iterator[Values]:
    for number in range(count):
        yield {
            "time": _time(number, count, every=timedelta(seconds=1)),
            "actor": f"user-{draw.randrange(20)}",
            "address": "192.0.2.7",
            "action": draw.choice(list(AuditAction)).value,
            "subject": f"{draw.randrange(1_000_000)}",
            "detail": json.dumps({"verdict": "right", "count": str(number)}),
        }
