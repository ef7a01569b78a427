"""What was recorded, and when nothing could be heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import REAL, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from tidzam.store.base import Base, Binary, Key, Medium


class RecordingRow(Base):
    """A complete file of a source's recordings, all channels in it. `path` is where the stream manager has it.

    `max_amp` is the largest absolute sample, 1.0 for full scale; None if it is not known. `section_peaks` are those of
    its sections, as in `tidzam.recorded_sound.sections`.
    """

    __tablename__ = "recordings"
    __table_args__ = (UniqueConstraint("source_id", "path"), Index(None, "source_id", "start", "end", "channels"))

    id: Mapped[Key]
    source_id: Mapped[int] = mapped_column(ForeignKey("sources.id"))
    path: Mapped[str]
    start: Mapped[datetime]
    end: Mapped[datetime]
    channels: Mapped[Medium]
    bytes: Mapped[int]
    max_amp: Mapped[float | None] = mapped_column(REAL)
    is_segment: Mapped[bool]
    section_peaks: Mapped[Binary | None] = mapped_column(LargeBinary)


class GapRow(Base):
    """A record of the gap ledger: `channel` is a port, a source, or `*` for all of the node.

    It may stand for `count` short gaps; it continues the one before if that is 0. A gap
    is cut at each full hour, unless it is that of a node that was down.
    """

    __tablename__ = "gaps"
    __table_args__ = (UniqueConstraint("node_id", "channel", "reason", "start"), Index(None, "start"))

    id: Mapped[Key]
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    channel: Mapped[str]
    reason: Mapped[str]
    start: Mapped[datetime]
    end: Mapped[datetime]
    count: Mapped[Medium]


class LoadedRow(Base):
    """An interval in which a source was loaded: sound of it was expected. It is cut at each full hour, unless the node
    was down."""

    __tablename__ = "loaded"
    __table_args__ = (UniqueConstraint("node_id", "source", "start"), Index(None, "start"))

    id: Mapped[Key]
    node_id: Mapped[int] = mapped_column(ForeignKey("nodes.id"))
    source: Mapped[str]
    channels: Mapped[Medium]
    start: Mapped[datetime]
    end: Mapped[datetime]
