"""Writing annotations and their tags, within a transaction of the caller's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from tidzam.annotations.rules import AnnotationContent
from tidzam.store.local_time import HOURS, local_hour
from tidzam.store.tables.annotations import AnnotationOrigin, AnnotationRow, TagRow
from tidzam.store.upsert import insert_missing

_GROUP = 1000
"""Values in one statement."""


@dataclass(frozen=True, kw_only=True)
class NewAnnotation:
    """An annotation to write, on the channel with this number in the store."""

    channel_id: int
    content: AnnotationContent


def add_annotations(
    session: Session,
    new: Sequence[NewAnnotation],
    *,
    origin: AnnotationOrigin,
    user_id: int | None,
    zone: tzinfo,
    now: datetime,
) -> list[int]:
    """Write valid annotations, with those of their tags that are new. Returns their numbers in order.

    `zone` is that of the node, by whose days annotations are counted.
    """
    tags = tag_numbers(session, {one.content.tag for one in new})
    rows = [
        AnnotationRow(
            channel_id=one.channel_id,
            tag_id=tags[one.content.tag],
            user_id=user_id,
            start=one.content.start,
            end=one.content.end,
            local_day=_day(one.content.start, zone),
            low_hz=one.content.low_hz,
            high_hz=one.content.high_hz,
            origin=origin,
            version=1,
            created=now,
            changed=now,
        )
        for one in new
    ]
    session.add_all(rows)
    session.flush()
    return [row.id for row in rows]


def change_annotation(
    session: Session, row: AnnotationRow, content: AnnotationContent, *, zone: tzinfo, now: datetime
) -> None:
    """Give an annotation, which `locked_annotation` has found, another content and the next version."""
    row.tag_id = tag_numbers(session, {content.tag})[content.tag]
    row.start, row.end, row.local_day = content.start, content.end, _day(content.start, zone)
    row.low_hz, row.high_hz = content.low_hz, content.high_hz
    row.version, row.changed = row.version + 1, now
    session.flush()


def locked_annotation(session: Session, number: int) -> AnnotationRow | None:
    """An annotation, which nobody else changes until the transaction ends; None if there is none."""
    return session.scalar(select(AnnotationRow).where(AnnotationRow.id == number).with_for_update())


def content_of(session: Session, row: AnnotationRow) -> AnnotationContent:
    """What an annotation says."""
    tag = session.scalar(select(TagRow.name).where(TagRow.id == row.tag_id))
    assert tag is not None
    return AnnotationContent(start=row.start, end=row.end, tag=tag, low_hz=row.low_hz, high_hz=row.high_hz)


def tag_numbers(session: Session, names: Iterable[str]) -> Mapping[str, int]:
    """The numbers of tags, which are made if they are new, and stay until the transaction ends."""
    wanted, found = sorted(set(names)), dict[str, int]()  # in one order for all writers
    while missing := [name for name in wanted if name not in found]:  # somebody may remove one in between
        for first in range(0, len(missing), _GROUP):
            group = missing[first : first + _GROUP]
            insert_missing(session, TagRow, [{"name": name} for name in group])
            query = select(TagRow.name, TagRow.id).where(TagRow.name.in_(group))
            found |= {row.name: row.id for row in session.execute(query.with_for_update(read=True))}
    return found


def rename_tag(session: Session, name: str, new: str) -> bool | None:
    """Rename a tag. Returns False if another one is called `new`, None if there is no tag `name`."""
    try:
        with session.begin_nested():
            done = session.execute(update(TagRow).where(TagRow.name == name).values(name=new))
    except IntegrityError:
        return False
    return True if done.rowcount else None  # type: ignore[attr-defined]  # of an UPDATE, it is a CursorResult


def remove_tag(session: Session, name: str) -> int | None:
    """Remove a tag if no annotation has it. Returns how many have it, None if there is no tag `name`."""
    row = session.scalar(select(TagRow).where(TagRow.name == name).with_for_update())
    if row is None:
        return None
    count = select(func.count()).select_from(AnnotationRow).where(AnnotationRow.tag_id == row.id)
    used = session.scalar(count) or 0
    if not used:
        session.delete(row)
        session.flush()
    return used


def _day(start: datetime, zone: tzinfo) -> int:
    return local_hour(start, zone) // HOURS
