"""Annotations: what people say is heard in a section of sound, and the tags with which they say so."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum

from sqlalchemy import Double, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.store.base import Base, Key, Medium, Small


class AnnotationOrigin(IntEnum):
    """How an annotation was made."""

    MANUAL = 1
    IMPORT = 2
    DETECTION = 3


class TagRow(Base):
    """A tag of annotations: a label as in `tidzam.labels`."""

    __tablename__ = "tags"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(String(255), unique=True)


class AnnotationRow(Base):
    """A section of a channel's sound with a tag, and optionally the frequencies between which it is heard.

    `local_day` counts the days since the epoch by the clock of its node at `start`. `version` counts the changes, from
    1: who changes one that somebody else has changed meanwhile is refused. `origin` is an `AnnotationOrigin`.
    """

    __tablename__ = "annotations"
    __table_args__ = (
        Index(None, "start"),
        Index(None, "channel_id", "start"),
        Index(None, "tag_id", "start"),
        Index(None, "channel_id", "local_day", "tag_id"),
    )

    id: Mapped[Key]
    channel_id: Mapped[int] = mapped_column(ForeignKey("channels.id"))
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    start: Mapped[datetime]
    end: Mapped[datetime]
    local_day: Mapped[Medium]
    low_hz: Mapped[float | None] = mapped_column(Double)
    high_hz: Mapped[float | None] = mapped_column(Double)
    origin: Mapped[Small]
    version: Mapped[Medium]
    created: Mapped[datetime]
    changed: Mapped[datetime]
