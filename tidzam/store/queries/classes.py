"""The classes, models and channels that the store knows, and what belongs to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from tidzam.store.lookups import SEPARATOR
from tidzam.store.tables.models import ClassRow, ModelRow
from tidzam.store.tables.places import ChannelRow, NodeRow, SourceRow


@dataclass(frozen=True)
class StoredClass:
    """A class that was heard, or that one which was heard belongs to. `path` leads to it from the root."""

    id: int
    path: tuple[str, ...]


@dataclass(frozen=True)
class StoredModel:
    """A version of a classifier; both texts are empty for an unknown one."""

    id: int
    name: str
    version: str


@dataclass(frozen=True)
class StoredChannel:
    """A channel, by the names in events."""

    id: int
    node: str
    source: str
    channel: str


def classes(session: Session) -> list[StoredClass]:
    """All classes, parents before their children."""
    rows = session.execute(select(ClassRow.id, ClassRow.path).order_by(ClassRow.path))
    return [StoredClass(number, tuple(path.split(SEPARATOR))) for number, path in rows]


def classes_below(session: Session, path: Sequence[str]) -> list[int]:
    """The numbers of a class and of all that belong to it; none if it is not known."""
    text = SEPARATOR.join(path)
    below = ClassRow.path.startswith(text + SEPARATOR, autoescape=True)
    return list(session.scalars(select(ClassRow.id).where(or_(ClassRow.path == text, below)).order_by(ClassRow.id)))


def models(session: Session) -> list[StoredModel]:
    """All models, in the order in which they came."""
    rows = session.execute(select(ModelRow.id, ModelRow.name, ModelRow.version).order_by(ModelRow.id))
    return [StoredModel(*row) for row in rows]


def channels(session: Session) -> list[StoredChannel]:
    """All channels, by node, source and name."""
    query = (
        select(ChannelRow.id, NodeRow.name, SourceRow.name, ChannelRow.name)
        .join(SourceRow, SourceRow.id == ChannelRow.source_id)
        .join(NodeRow, NodeRow.id == SourceRow.node_id)
        .order_by(NodeRow.name, SourceRow.name, ChannelRow.name)
    )
    return [StoredChannel(*row) for row in session.execute(query)]
