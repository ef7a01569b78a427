"""Annotations by channel, time and tag, and how many there are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import Session

from tidzam.annotations.rules import LONGEST
from tidzam.store.base import UtcTime
from tidzam.store.local_time import day_of
from tidzam.store.queries.cursor import TimeCursor
from tidzam.store.tables.accounts import UserRow
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow


@dataclass(frozen=True, kw_only=True)
class AnnotationCriteria:
    """Which annotations are wanted; None wants all. Those that reach into the time from `since` to `until` are.

    `node` is that of the channels.
    """

    node: str | None = None
    channel: str | None = None
    tags: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class StoredAnnotation:
    """An annotation as the store has it, by the names in events."""

    id: int
    node: str
    source: str
    channel: str
    start: datetime
    end: datetime
    low_hz: float | None
    high_hz: float | None
    tag: str
    author: str | None
    created: datetime
    changed: datetime
    version: int
    origin: AnnotationOrigin


@dataclass(frozen=True)
class DayTagCount:
    """The annotations with a tag that begin on a day of the node's clock."""

    day: date
    tag: str
    annotations: int


@dataclass(frozen=True)
class TagCount:
    """A tag, and how many annotations have it."""

    tag: str
    annotations: int


@dataclass(frozen=True)
class AnnotationPage:
    """Some annotations, those that begin last first, and where the next page begins; None if there is none."""

    annotations: Sequence[StoredAnnotation]
    next: TimeCursor | None


def annotations_after(
    session: Session, criteria: AnnotationCriteria, *, limit: int, after: TimeCursor | None = None
) -> AnnotationPage:
    """The annotations that are wanted and begin first, or the first of those `after` a place."""
    row = AnnotationRow
    query = _joined().where(*_conditions(session, criteria)).order_by(row.start, row.id).limit(limit + 1)
    if after is not None:
        place = tuple_(literal(after.start, UtcTime), literal(after.id))
        query = query.where(row.start >= after.start, tuple_(row.start, row.id) > place)
    return _page(_stored(session, query), limit)


def annotations_page(
    session: Session, criteria: AnnotationCriteria, *, limit: int, before: TimeCursor | None = None
) -> AnnotationPage:
    """The annotations that are wanted and begin last, or the last of those `before` a place."""
    row = AnnotationRow
    query = _joined().where(*_conditions(session, criteria)).order_by(row.start.desc(), row.id.desc()).limit(limit + 1)
    if before is not None:
        place = tuple_(literal(before.start, UtcTime), literal(before.id))
        query = query.where(row.start <= before.start, tuple_(row.start, row.id) < place)
    return _page(_stored(session, query), limit)


def _page(found: list[StoredAnnotation], limit: int) -> AnnotationPage:
    page = found[:limit]
    return AnnotationPage(page, TimeCursor(page[-1].start, page[-1].id) if len(found) > limit else None)


def annotations_by_id(session: Session, numbers: Sequence[int]) -> list[StoredAnnotation]:
    """Annotations by their numbers, in that order; those that do not exist are left out."""
    found = {one.id: one for one in _stored(session, _joined().where(AnnotationRow.id.in_(numbers)))}
    return [found[number] for number in numbers if number in found]


def annotations_per_day(session: Session, criteria: AnnotationCriteria) -> list[DayTagCount]:
    """The annotations per local day and tag, in the order of days and tags."""
    row = AnnotationRow
    counts = select(row.local_day, row.tag_id, func.count().label("annotations")).group_by(row.local_day, row.tag_id)
    counted = counts.where(*_conditions(session, criteria)).subquery()
    query = select(counted.c.local_day, TagRow.name, counted.c.annotations).join(TagRow, TagRow.id == counted.c.tag_id)
    ordered = query.order_by(counted.c.local_day, TagRow.name)
    return [DayTagCount(day_of(day), tag, count) for day, tag, count in session.execute(ordered)]


def tags(session: Session) -> list[TagCount]:
    """All tags by name, also those that no annotation has."""
    counts = select(AnnotationRow.tag_id, func.count().label("annotations")).group_by(AnnotationRow.tag_id).subquery()
    query = select(TagRow.name, func.coalesce(counts.c.annotations, 0))
    joined = query.outerjoin(counts, counts.c.tag_id == TagRow.id).order_by(TagRow.name)
    return [TagCount(name, count) for name, count in session.execute(joined)]


def channel_numbers(session: Session, node: str | None, channel: str) -> list[int]:
    """The numbers of the channels with a name; those of `node`, if it is given."""
    query = select(ChannelRow.id).join(SourceRow, SourceRow.id == ChannelRow.source_id)
    query = query.join(NodeRow, NodeRow.id == SourceRow.node_id).where(ChannelRow.name == channel)
    return list(session.scalars(query if node is None else query.where(NodeRow.name == node)))


def _conditions(session: Session, criteria: AnnotationCriteria) -> list[ColumnElement[bool]]:
    row, found = AnnotationRow, list[ColumnElement[bool]]()
    if criteria.channel is not None:
        found.append(row.channel_id.in_(channel_numbers(session, criteria.node, criteria.channel)))
    if criteria.tags is not None:
        found.append(row.tag_id.in_(select(TagRow.id).where(TagRow.name.in_(criteria.tags))))
    if criteria.since is not None:
        found += [row.start > criteria.since - LONGEST, row.end > criteria.since]
    if criteria.until is not None:
        found.append(row.start < criteria.until)
    return found


def _joined() -> Select[AnnotationRow, str, str, str, str, str | None]:
    return (
        select(AnnotationRow, NodeRow.name, SourceRow.name, ChannelRow.name, TagRow.name, UserRow.name)
        .join(ChannelRow, ChannelRow.id == AnnotationRow.channel_id)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .join(TagRow, TagRow.id == AnnotationRow.tag_id)
        .outerjoin(UserRow, UserRow.id == AnnotationRow.user_id)
    )


def _stored(session: Session, query: Select[AnnotationRow, str, str, str, str, str | None]) -> list[StoredAnnotation]:
    return [
        StoredAnnotation(
            id=row.id,
            node=node,
            source=source,
            channel=channel,
            start=row.start,
            end=row.end,
            low_hz=row.low_hz,
            high_hz=row.high_hz,
            tag=tag,
            author=author,
            created=row.created,
            changed=row.changed,
            version=row.version,
            origin=AnnotationOrigin(row.origin),
        )
        for row, node, source, channel, tag, author in session.execute(query)
    ]
