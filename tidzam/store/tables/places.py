"""Where something is heard: nodes, their sources, and the channels of these."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.store.base import Base, Key


class NodeRow(Base):
    """A node, by its name in events."""

    __tablename__ = "nodes"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(unique=True)


class SourceRow(Base):
    """A source of a node."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("node_id", "name"),)

    id: Mapped[Key]
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    name: Mapped[str]


class ChannelRow(Base):
    """A channel of a source, by its name in events: its JACK port, such as `pond:out_1`."""

    __tablename__ = "channels"
    __table_args__ = (UniqueConstraint("source_id", "name"),)

    id: Mapped[Key]
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    name: Mapped[str]
