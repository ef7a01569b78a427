"""The tags of annotations: listed, made, renamed and removed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from console.accounts.visitor import Visitor
from console.services.annotations.models import TagView
from tidzam.accounts.audit import AuditAction, record
from tidzam.annotations.rules import checked_tag
from tidzam.errors import RequestError
from tidzam.store.annotations import remove_tag as remove_from_store
from tidzam.store.annotations import rename_tag as rename_in_store
from tidzam.store.annotations import tag_numbers
from tidzam.store.database import Store
from tidzam.store.queries.annotations import tags
from tidzam.store.tables.annotations import TagRow
from tidzam.text import plural


def list_tags(store: Store) -> tuple[TagView, ...]:
    """All tags by name."""
    with store.read() as session:
        return tuple(TagView(name=one.tag, annotations=one.annotations) for one in tags(session))


def add_tag(store: Store, visitor: Visitor, name: str, *, now: datetime) -> TagView:
    """Make a tag. Raises RequestError (`request`, `tag_exists`)."""
    tag = checked_tag(name, field="name")
    with store.write() as session:
        if session.scalar(select(TagRow.id).where(TagRow.name == tag)) is not None:
            raise _exists(tag)
        tag_numbers(session, [tag])
        record(session, visitor.actor, AuditAction.TAG_ADDED, tag, now=now)
    return TagView(name=tag, annotations=0)


def rename_tag(store: Store, visitor: Visitor, name: str, new: str, *, now: datetime) -> TagView:
    """Rename a tag, and with it all that its annotations say. Raises RequestError (`request`, `not_found`,
    `tag_exists`)."""
    tag = checked_tag(new, field="name")
    with store.write() as session:
        renamed = rename_in_store(session, name, tag)
        if renamed is None:
            raise _missing(name)
        if not renamed:
            raise _exists(tag)
        if tag != name:
            record(session, visitor.actor, AuditAction.TAG_RENAMED, name, now=now, new=tag)
        counts = {one.tag: one.annotations for one in tags(session)}
    return TagView(name=tag, annotations=counts[tag])


def remove_tag(store: Store, visitor: Visitor, name: str, *, now: datetime) -> None:
    """Remove a tag that no annotation has. Raises RequestError (`not_found`, `tag_in_use`)."""
    with store.write() as session:
        used = remove_from_store(session, name)
        if used is None:
            raise _missing(name)
        if used:
            raise RequestError(
                f"The tag {name!r} is that of {plural(used, 'annotation')}.",
                hint="Give these another tag first, or delete them.",
                code="tag_in_use",
            )
        record(session, visitor.actor, AuditAction.TAG_REMOVED, name, now=now)


def _missing(name: str) -> RequestError:
    return RequestError(f"There is no tag {name!r}.", hint="It may have been renamed.", code="not_found")


def _exists(tag: str) -> RequestError:
    return RequestError(
        f"There is a tag {tag!r} already; two tags are never merged.",
        hint="Choose another name, or give the annotations that tag.",
        code="tag_exists",
        field="name",
    )
