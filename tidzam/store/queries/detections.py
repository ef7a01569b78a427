"""Detections by filters, newest first, page by page.

A page is found in milliseconds, however many detections there are: a query reads at most `SCANNED` of an index, in the
order of time, and leaves out those that the filters do not want. If too few are left, the page is short, and the next
one goes on from there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Select, TextClause, cast, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import Session

from tidzam.daytime import DayPart
from tidzam.protocol.analyzer import PROBABILITY_DIGITS
from tidzam.store.base import UtcTime
from tidzam.store.lookups import SEPARATOR
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.records import event_key
from tidzam.store.tables.detections import DAY_PARTS, IS_JUDGED, IS_MARKED, DetectionRow, DetectionVerdict
from tidzam.store.tables.models import ClassRow, ModelRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow

SCANNED: Final = 20_000
"""Detections that a query reads per index at most."""
_LEAST_SCANNED: Final = 1_000
_FEW: Final = 4
"""Indexes that are read at once without looking first whether that is necessary."""
_BRANCHES: Final = 50
"""Classes, or channels, that are looked for one by one, each in its own index. Of more, most detections are one."""
_COLUMNS: Final = (
    *("id", "start", "end", "class_id", "channel_id", "model_id", "peak_probability", "day_part", "verdict"),
    *("is_marked", "clip"),
)
Condition = ColumnElement[bool] | TextClause


@dataclass(frozen=True, kw_only=True)
class DetectionCriteria:
    """Which detections are wanted; None wants all. Classes, channels and models are given by their numbers.
    Those of `without_classes` are not wanted.

    They begin from `since` to before `until`, and end after `ends_after`. In `verdicts`, None stands for detections
    that nobody has judged.
    """

    since: datetime | None = None
    until: datetime | None = None
    ends_after: datetime | None = None
    classes: Collection[int] | None = None
    without_classes: Collection[int] = ()
    channels: Collection[int] | None = None
    models: Collection[int] | None = None
    min_probability: float = 0.0
    max_probability: float = 1.0
    min_duration_s: float = 0.0
    day_parts: Collection[DayPart] | None = None
    verdicts: Collection[DetectionVerdict | None] | None = None
    is_marked: bool | None = None
    has_clip: bool | None = None


@dataclass(frozen=True)
class StoredDetection:
    """A detection as the store knows it, by the names in events."""

    id: int
    node: str
    source: str
    channel: str
    path: tuple[str, ...]
    model: str
    version: str
    start: datetime
    end: datetime
    peak_probability: float
    mean_probability: float
    windows: int
    level_dbfs: float | None
    is_open: bool
    day_part: DayPart | None
    verdict: DetectionVerdict | None
    is_marked: bool
    clip: str | None
    channels: Sequence[dict[str, Any]]


@dataclass(frozen=True)
class DetectionPage:
    """Some detections, newest first, and where the next page begins; None if there is none."""

    detections: Sequence[StoredDetection]
    next: TimeCursor | None


def latest_detections(
    session: Session, criteria: DetectionCriteria, *, limit: int = 50, before: TimeCursor | None = None
) -> DetectionPage:
    """The newest detections that are wanted, or the newest of those `before` a place. A page may hold fewer than
    `limit`, or none, although another one follows."""
    indexes, filters = _indexes(criteria)
    if len(indexes) > _FEW:  # together, they may be so frequent that they are found at once in the order of time
        [common] = _wanted(session, criteria, [_scan(criteria, None, before).limit(_LEAST_SCANNED)], limit + 1)
        if len(common) > limit:
            return DetectionPage(detections_by_id(session, [one.id for one in common[:limit]]), common[limit - 1])
    leaves_out = any(True for _ in conditions(filters, DetectionRow))
    scanned = max(SCANNED // max(len(indexes), 1), _LEAST_SCANNED) if leaves_out else limit + 1
    scans = [_scan(criteria, index, before).limit(scanned) for index in indexes]
    found = _wanted(session, filters, scans, limit + 1)
    short = [scan for scan, places in zip(scans, found, strict=True) if leaves_out and len(places) <= limit]
    ends = [_end(session, scan, scanned) for scan in short]
    # What lies beyond the end of a scan is not known: the page ends there.
    reached = max((end for end in ends if end is not None), default=None)
    known = sorted((one for places in found for one in places if reached is None or one >= reached), reverse=True)
    page, rest = known[:limit], known[limit:]
    detections = detections_by_id(session, [one.id for one in page])
    return DetectionPage(detections, page[-1] if rest else reached)


def detections_by_id(session: Session, numbers: Sequence[int]) -> list[StoredDetection]:
    """Detections by their numbers, in that order; those that do not exist are left out."""
    query = (
        select(DetectionRow, NodeRow.name, SourceRow.name, ChannelRow.name, ClassRow.path, ModelRow)
        .join(ChannelRow, ChannelRow.id == DetectionRow.channel_id)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .join(ClassRow, ClassRow.id == DetectionRow.class_id)
        .join(ModelRow, ModelRow.id == DetectionRow.model_id)
        .where(DetectionRow.id.in_(numbers))
    )
    found = {row[0].id: _stored(*row) for row in session.execute(query)}
    return [found[number] for number in numbers if number in found]


def detection_of_event(session: Session, identifier: str) -> StoredDetection | None:
    """The detection with this id in events; None if it is not stored (yet)."""
    query = select(DetectionRow.id).where(DetectionRow.event_key == event_key(identifier))
    return next(iter(detections_by_id(session, list(session.scalars(query)))), None)


def _stored(row: DetectionRow, node: str, source: str, channel: str, path: str, model: ModelRow) -> StoredDetection:
    return StoredDetection(
        id=row.id,
        node=node,
        source=source,
        channel=channel,
        path=tuple(path.split(SEPARATOR)),
        model=model.name,
        version=model.version,
        start=row.start,
        end=row.end,
        peak_probability=round(row.peak_probability, PROBABILITY_DIGITS),
        mean_probability=round(row.mean_probability, PROBABILITY_DIGITS),
        windows=row.windows,
        level_dbfs=None if row.level_dbfs is None else round(row.level_dbfs, 1),
        is_open=row.is_open,
        day_part=None if row.day_part is None else DAY_PARTS[row.day_part],
        verdict=None if row.verdict is None else DetectionVerdict(row.verdict),
        is_marked=row.is_marked,
        clip=row.clip,
        channels=row.channels or (),
    )


def _indexes(criteria: DetectionCriteria) -> tuple[list[Condition | None], DetectionCriteria]:
    """The conditions of the indexes that are read, each in the order of time: together they hold what is wanted. And
    what is left of the criteria."""
    row = DetectionRow
    if any(chosen is not None and not chosen for chosen in (criteria.classes, criteria.channels, criteria.models)):
        return [], criteria
    if criteria.is_marked:
        return [IS_MARKED], replace(criteria, is_marked=None)
    if criteria.verdicts is not None and None not in criteria.verdicts:
        return [IS_JUDGED], criteria
    if criteria.classes is not None and len(criteria.classes) <= _BRANCHES:
        return [row.class_id == number for number in sorted(criteria.classes)], replace(criteria, classes=None)
    if criteria.channels is not None and len(criteria.channels) <= _BRANCHES:
        return [row.channel_id == number for number in sorted(criteria.channels)], replace(criteria, channels=None)
    return [None], criteria


def _scan(criteria: DetectionCriteria, index: Condition | None, before: TimeCursor | None) -> Select[int, datetime]:
    """The detections of one index, the newest first."""
    row = DetectionRow
    scan = select(row.id, row.start).order_by(row.start.desc(), row.id.desc())
    if index is not None:
        scan = scan.where(index)
    if criteria.since is not None:
        scan = scan.where(row.start >= criteria.since)
    if criteria.until is not None:
        scan = scan.where(row.start < criteria.until)
    if before is not None:
        place = tuple_(literal(before.start, UtcTime()), literal(before.id, BigInteger()))
        scan = scan.where(tuple_(row.start, row.id) < place)
    return scan


def _wanted(
    session: Session, criteria: DetectionCriteria, scans: Sequence[Select[int, datetime]], limit: int
) -> list[list[TimeCursor]]:
    """Of each scan, the first places that are wanted."""
    found: list[list[TimeCursor]] = [[] for _ in scans]
    if not scans:
        return found
    queries = []
    for number, scan in enumerate(scans):
        scanned = scan.with_only_columns(*(getattr(DetectionRow, name) for name in _COLUMNS)).subquery()
        # A scan is in order, and so is what is left of it: sorting would read all of it before the first.
        query = select(literal(number), scanned.c.start, scanned.c.id)
        wanted = query.where(*conditions(criteria, scanned.c)).limit(limit).subquery()
        queries.append(select(wanted))
    for number, start, identifier in session.execute(union_all(*queries)):
        found[number].append(TimeCursor(start, identifier))
    return found


def conditions(criteria: DetectionCriteria, column: Any) -> Iterator[ColumnElement[bool]]:
    """What is wanted, but for the time, as conditions on the columns of a scan or of the table."""
    for chosen, numbers in (
        (criteria.classes, column.class_id),
        (criteria.channels, column.channel_id),
        (criteria.models, column.model_id),
        (None if criteria.day_parts is None else map(DAY_PARTS.index, criteria.day_parts), column.day_part),
    ):
        if chosen is not None:
            yield numbers.in_(list(chosen))
    if criteria.without_classes:
        yield column.class_id.not_in(list(criteria.without_classes))
    if criteria.ends_after is not None:
        yield column.end > criteria.ends_after
    if criteria.min_probability > 0:  # the column has 24 bits: 0.9 is stored as a little less
        yield column.peak_probability >= criteria.min_probability - 0.5 * 10**-PROBABILITY_DIGITS
    if criteria.max_probability < 1:
        yield column.peak_probability <= criteria.max_probability + 0.5 * 10**-PROBABILITY_DIGITS
    if criteria.min_duration_s > 0:
        yield cast(column.end, BigInteger) - cast(column.start, BigInteger) >= round(criteria.min_duration_s * 1e6)
    if criteria.is_marked is not None:
        yield column.is_marked == criteria.is_marked
    if criteria.has_clip is not None:
        yield column.clip.is_not(None) if criteria.has_clip else column.clip.is_(None)
    if criteria.verdicts is not None:
        verdicts = [int(one) for one in criteria.verdicts if one is not None]
        unjudged = [column.verdict.is_(None)] if None in criteria.verdicts else []
        yield or_(column.verdict.in_(verdicts), *unjudged)


def _end(session: Session, scan: Select[int, datetime], scanned: int) -> TimeCursor | None:
    """The last place that was scanned; None if the scan came to the end of its index."""
    last = session.execute(scan.offset(scanned - 1).limit(1)).one_or_none()
    return None if last is None else TimeCursor(last.start, last.id)
